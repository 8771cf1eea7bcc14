use bytes::Bytes;

use super::numbered_frame::NumberedFrame;
use super::record_place::RecordPlace;

/// A record that was just written to the ring, still in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrittenRecord {
    /// The end of the ring before it: its own place, or the end of an earlier segment.
    pub(crate) after: RecordPlace,
    pub(crate) place: RecordPlace,
    /// The record, with the end marker after it.
    pub(crate) bytes: Bytes,
    /// The epoch of its sequences.
    pub(crate) epoch: u64,
    /// Its events, in order.
    pub(crate) frames: Vec<NumberedFrame>,
}
