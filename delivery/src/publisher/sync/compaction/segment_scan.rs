use std::io;
use std::sync::{Mutex, PoisonError};

use pubsub_api::MARK_PREFIX;
use pubsub_api::wire::RowRef;

use super::STEP_BYTES;
use super::rows_record::RowsRecord;
use crate::publisher::ring::record::{self, HEAD_BYTES, RecordEvent};
use crate::publisher::ring::ring_segment::RingSegment;
use crate::publisher::sync::follower::Follower;
use crate::publisher::sync::snapshot_cache::SnapshotCache;
use crate::publisher::sync::snapshot_cache::compacted::Retained;

/// Reads the segments of the ring before they are removed, one after the other, and retains the events that are still the latest of
/// their rows.
#[derive(Debug)]
pub(super) struct SegmentScan {
    /// The segment that is the next to be read.
    pub(super) segment: u32,
    /// The place in it; 0 at its beginning.
    pub(super) offset: u32,
    buffer: Vec<u8>,
}

impl SegmentScan {
    pub(super) fn new(segment: u32) -> Self {
        Self { segment, offset: 0, buffer: Vec::new() }
    }

    /// Goes on with the next segment.
    pub(super) fn next_segment(&mut self) {
        self.go_to(self.segment.saturating_add(1));
    }

    /// Goes on with this segment.
    pub(super) fn go_to(&mut self, segment: u32) {
        (self.segment, self.offset) = (segment, 0);
    }

    /// Reads some records of the segment, and adds what is retained of them to `record`; returns whether all are read.
    ///
    /// # Errors
    /// Those of reading the segment.
    pub(super) fn step(
        &mut self,
        held: &RingSegment,
        follower: &Mutex<Follower>,
        record: &mut RowsRecord,
    ) -> io::Result<bool> {
        let from = self.offset.max(held.begin);
        let retains = |follower: &Follower| follower.cache.retains_of(self.segment);
        if from >= held.end || !retains(&lock(follower)) {
            return Ok(true);
        }
        let there = usize::try_from(held.end - from).unwrap_or(usize::MAX);
        let mut head = [0; HEAD_BYTES];
        held.segment.read_into(from, &mut head)?;
        let first = HEAD_BYTES + record::length(&head).unwrap_or(0);
        if first > there {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.buffer.resize(there.min(STEP_BYTES).max(first), 0);
        held.segment.read_into(from, &mut self.buffer)?;
        let mut at = 0;
        let cache = &mut lock(follower).cache;
        while let Some(body) = record::written(&self.buffer, at) {
            for event in record::events(body) {
                retain(&event.ok_or(io::ErrorKind::InvalidData)?, body, cache, record);
            }
            at += HEAD_BYTES + body.len();
        }
        self.offset = from + u32::try_from(at).unwrap_or(0);
        Ok(self.offset >= held.end)
    }
}

fn retain(event: &RecordEvent, body: &[u8], cache: &mut SnapshotCache, record: &mut RowsRecord) {
    let (topic, payload) = (event.topic_of(body), event.payload_of(body));
    // A loss record costs its topic the snapshots.
    if topic.starts_with(MARK_PREFIX) {
        return;
    }
    let Some(row) = RowRef::find(payload) else { return };
    let Some(stamp) = row.stamp else { return };
    match cache.retained(topic, stamp.sequence, &row) {
        Retained::Event => record.about(topic).event(payload),
        Retained::Sequence => record.about(topic).sequence(stamp.sequence),
        Retained::Nothing => {}
    }
}

fn lock(follower: &Mutex<Follower>) -> std::sync::MutexGuard<'_, Follower> {
    follower.lock().unwrap_or_else(PoisonError::into_inner)
}
