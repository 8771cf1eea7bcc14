use serde::{Deserialize, Serialize};

use crate::{ServiceId, TableId};

/// The last change of a table of one service of the sender: what the heartbeat repeats, so that a lost change is noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableHead {
    /// The publishing service.
    pub(crate) service: ServiceId,
    /// The table.
    pub(crate) table: TableId,
    /// The epoch of the stream.
    pub(crate) epoch: u64,
    /// The sequence of its last change.
    pub(crate) sequence: u64,
}
