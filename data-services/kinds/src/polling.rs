//! Services whose tables are polled.

mod data_source;
mod polled_tables;
mod polling_options;
mod polling_service;
mod refreshes;

pub use data_source::DataSource;
pub use polled_tables::{PolledRows, PolledTable, PolledTables};
pub use polling_options::PollingOptions;
pub use polling_service::PollingService;
