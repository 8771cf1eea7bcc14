use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Instance, ServiceId, TableId};

/// One table of one service on one instance: what has one order, one epoch and one sequence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamName {
    /// The instance of the publishing node.
    pub instance: Instance,
    /// The publishing service.
    pub service: ServiceId,
    /// The table.
    pub table: TableId,
}

/// `vSphere.Boston/hosts at 00c0ffee00c0ffee`.
impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} at {}", self.service, self.table, self.instance)
    }
}
