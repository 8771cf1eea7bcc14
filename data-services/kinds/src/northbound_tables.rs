//! The kind `northbound`: the tables of a northbound database.

mod database_source;
mod northbound_options;
mod object_rows;

use data_services::ServiceKind;

use crate::{PollingOptions, PollingService};
use database_source::DatabaseSource;
use northbound_options::NorthboundTableOptions;

inventory::submit! {
    ServiceKind {
        name: "northbound",
        summary: "publishes the tables of a northbound database, keyed by the `id` of each object",
        options: &[
            ("settings", "`file`, a settings file, and `set`, a list of \"name=value\": nb_db_class and its driver's section"),
            ("tables", "the tables; by default all but the reports of programs and the counters of numbers"),
            ("interval", "how often the database is read; default \"10s\". One that reports changes is read after a change"),
            ("lazy", "whether it is read only while somebody subscribes; default false"),
        ],
        create: |config| {
            let options: NorthboundTableOptions = config.options()?;
            let polling = PollingOptions { interval: options.interval, lazy: options.lazy };
            Ok(Box::new(PollingService::new(DatabaseSource::new(options)?, polling)))
        },
    }
}
