use std::sync::Arc;

use super::limits::ROW_OVERHEAD;
use super::message::GroupMember;
use crate::{Difference, TraceId};

/// One numbered change of a published table.
#[derive(Debug, Clone, Hash)]
pub(super) struct Change {
    pub(super) sequence: u64,
    pub(super) difference: Difference,
    /// All changes of its commit, or none.
    pub(super) group: Arc<[GroupMember]>,
    pub(super) trace: Option<TraceId>,
}

impl Change {
    /// Its size: the texts of rows and keys, and an overhead for each.
    pub(super) fn bytes(&self) -> usize {
        let put: usize = self.difference.put.iter().map(|row| row.as_json().len() + ROW_OVERHEAD).sum();
        let deleted = self.difference.deleted.iter().map(|key| key.as_json().len() + ROW_OVERHEAD);
        put + deleted.sum::<usize>() + ROW_OVERHEAD
    }
}
