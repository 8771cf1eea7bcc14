use std::sync::Arc;

use super::segment_scan::SegmentScan;
use crate::publisher::ring::Ring;
use crate::publisher::ring::folder::Folder;
use crate::publisher::ring::ring_segment::RingSegment;
use crate::publisher::sync::follower::Follower;

/// The state of the ring for one step of compaction.
#[derive(Debug)]
pub(super) struct RingView {
    pub(super) folder: Option<Arc<Folder>>,
    /// The number of the oldest segment.
    pub(super) first: u32,
    /// In bytes.
    pub(super) bound: u64,
    /// The next segment, if it is to be compacted now.
    pub(super) due: Option<RingSegment>,
    /// Whether `publish` will soon wait.
    pub(super) is_behind: bool,
    /// Whether events may have been missed that no sequence has shown yet.
    pub(super) is_unsure: bool,
}

/// A segment is compacted when the segments after it have three eighths of the ring: as late as possible, since events of rows that
/// change often are replaced by then, and early enough, since it is removed at seven eighths.
const DUE: (u64, u64) = (3, 8);

/// Or when it is followed by this number of segments: each start of a publisher begins one.
const DUE_SEGMENTS: u32 = 32;

impl RingView {
    /// At this place of compaction; the lock order is that of the arguments.
    pub(super) fn of(scan: &SegmentScan, follower: &Follower, ring: &Ring) -> Self {
        let (first, read) = (ring.first_number(), follower.at().segment);
        let due = ring.segment_from(scan.segment).filter(|held| {
            let number = held.segment.number();
            let (some, of) = DUE;
            let is_old = ring.bytes_after(number, u32::MAX) >= ring.bound() / of * some
                || ring.last().is_some_and(|last| last.segment.number() - number >= DUE_SEGMENTS);
            number == scan.segment && number < read && is_old
        });
        Self {
            folder: ring.folder().cloned(),
            first,
            bound: ring.bound(),
            due: due.cloned(),
            is_behind: ring.bytes_after(scan.segment, scan.offset) > ring.bound() / 8 * 5,
            is_unsure: follower.is_unsure() || read < first,
        }
    }
}
