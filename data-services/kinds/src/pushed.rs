//! The kind `pushed`: tables whose rows callers push.

mod push_calls;
mod pushed_options;
mod pushed_service;
mod pushed_tables;
mod state_file;

use data_services::ServiceKind;

use pushed_options::PushedOptions;
use pushed_service::PushedService;

inventory::submit! {
    ServiceKind {
        name: "pushed",
        summary: "publishes the tables that callers push to it by its methods `push`, `load` and `change`",
        options: &[
            ("tables", "the key columns of each table; an empty list if the whole row is the key"),
            ("file", "where the rows are saved, to be restored at the next start; by default nowhere"),
        ],
        create: |config| Ok(Box::new(PushedService::new(config.options::<PushedOptions>()?)?)),
    }
}
