use std::collections::HashMap;

use foldhash::fast::RandomState;

/// How many events that a segment of the ring has may be the latest of their rows: compaction does not read a segment without any.
///
/// A count may be too high, and is never too low.
#[derive(Debug, Default)]
pub(super) struct SegmentCounts {
    current: u32,
    of_current: u64,
    /// Of the other segments that are not compacted.
    of_others: HashMap<u32, u64, RandomState>,
}

impl SegmentCounts {
    /// Counts what is read from now on for this segment.
    pub(super) fn begin(&mut self, segment: u32) {
        if segment != self.current {
            self.of_others.insert(self.current, self.of_current);
            (self.current, self.of_current) = (segment, self.of_others.remove(&segment).unwrap_or(0));
        }
    }

    /// The segment that is read.
    pub(super) fn current(&self) -> u32 {
        self.current
    }

    /// Counts an event of the segment that is read, which replaces one of segment `before`.
    #[inline]
    pub(super) fn add(&mut self, before: Option<u32>) {
        if before == Some(self.current) {
            return;
        }
        self.of_current += 1;
        if let Some(count) = before.and_then(|before| self.of_others.get_mut(&before)) {
            *count = count.saturating_sub(1);
        }
    }

    /// Whether an event of the segment may be the latest of its row.
    pub(super) fn has_any(&self, segment: u32) -> bool {
        let count =
            if segment == self.current { Some(&self.of_current) } else { self.of_others.get(&segment) };
        count.is_some_and(|count| *count > 0)
    }

    /// Forgets the segments before this one, to which nothing is added any more.
    pub(super) fn forget_before(&mut self, segment: u32) {
        self.of_others.retain(|number, _| *number >= segment);
    }
}
