use std::collections::BTreeMap;

use data_services::{NodeId, TableId};
use serde::Serialize;

/// What the method `status` of a service returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceStatus {
    /// Whether the service has published for the first time since its last start.
    pub initialized: bool,
    /// The number of polls, pushes or events that were published since the last start.
    pub number_of_updates: u64,
    /// The time of the last of them, in milliseconds since 1970.
    pub last_updated: Option<u64>,
    /// The errors of the last attempt, one sentence each; `None` after one without errors.
    pub last_error: Option<String>,
    /// The number of attempts with errors since the last start.
    pub number_of_errors: u64,
    /// The nodes that subscribe to each table.
    pub subscribers: BTreeMap<TableId, Vec<NodeId>>,
}
