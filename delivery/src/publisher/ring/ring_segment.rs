use std::sync::Arc;

use super::segment::Segment;

/// A segment, and the part of it that is written.
#[derive(Debug, Clone)]
pub(crate) struct RingSegment {
    pub(crate) segment: Arc<Segment>,
    /// The beginning of its records.
    pub(crate) begin: u32,
    /// The place of the next record.
    pub(crate) end: u32,
}

impl RingSegment {
    /// The size of its records in bytes.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.end - self.begin)
    }
}
