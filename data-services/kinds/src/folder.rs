//! The kind `folder`: the JSON and CSV files of a folder as tables.

mod csv_rows;
mod file_error;
mod file_signature;
mod folder_options;
mod folder_reader;
mod folder_source;
mod json_rows;
mod line_counter;
mod table_file;

use data_services::ServiceKind;

use crate::{PollingOptions, PollingService};
use folder_options::FolderOptions;
use folder_source::FolderSource;

inventory::submit! {
    ServiceKind {
        name: "folder",
        summary: "publishes each file NAME.json and NAME.csv of a folder as the table NAME",
        options: &[
            ("path", "the folder"),
            ("tables", "by table: `key`, the key columns; `numbers`, the columns of a CSV file that are numbers"),
            ("interval", "how often the files are compared with those of before; default \"1s\""),
            ("lazy", "whether files are read only while somebody subscribes; default false"),
        ],
        create: |config| {
            let options: FolderOptions = config.options()?;
            let polling = PollingOptions { interval: options.interval, lazy: options.lazy };
            Ok(Box::new(PollingService::new(FolderSource::new(options), polling)))
        },
    }
}
