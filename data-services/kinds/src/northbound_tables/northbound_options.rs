use std::time::Duration;

use data_services::TableId;
use serde::Deserialize;

use crate::PollingOptions;
use crate::driver_settings::DriverSettings;
use crate::duration_option;

/// The options of the kind `northbound`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NorthboundTableOptions {
    pub(super) settings: DriverSettings,
    #[serde(default)]
    pub(super) tables: Option<Vec<TableId>>,
    #[serde(default = "default_interval", deserialize_with = "duration_option::read")]
    pub(super) interval: Duration,
    #[serde(default)]
    pub(super) lazy: bool,
}

fn default_interval() -> Duration {
    PollingOptions::default().interval
}
