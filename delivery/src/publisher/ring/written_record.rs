use bytes::Bytes;

use super::record_place::RecordPlace;

/// A record that was just written to the ring, still in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrittenRecord {
    /// The end of the ring before it: its own place, or the end of an earlier segment.
    pub(crate) after: RecordPlace,
    pub(crate) place: RecordPlace,
    /// The record, with the end marker after it.
    pub(crate) bytes: Bytes,
}
