use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pubsub_api::wire::RowRef;
use pubsub_api::{MARK_PREFIX, Stamp, Topic};

use super::snapshot_cache::SnapshotCache;
use super::unfit::Unfit;
use crate::publisher::numbering::topics::Topics;
use crate::publisher::ring::Ring;
use crate::publisher::ring::numbered_frame::{NumberedFrame, NumberedRow};
use crate::publisher::ring::record::{self, HEAD_BYTES};
use crate::publisher::ring::record_place::RecordPlace;
use crate::publisher::ring::segment::Segment;
use crate::publisher::ring::written_record::WrittenRecord;
use crate::{Control, Position};

/// Reads the ring after it was written, and keeps each row's latest event.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) cache: SnapshotCache,
    at: Cursor,
    /// Whether events may have been missed since the topics were checked: at a start, and after a part was not read.
    is_unsure: bool,
    /// Reused for the next stretch, since large buffers are expensive to allocate.
    buffer: Vec<u8>,
}

/// A place in the ring, between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Cursor {
    pub(super) segment: u32,
    pub(super) offset: u32,
}

/// The next part of the ring.
#[derive(Debug)]
pub(super) struct Stretch {
    segment: Arc<Segment>,
    from: u32,
    to: u32,
}

impl Cursor {
    /// As one number.
    pub(super) fn packed(self) -> u64 {
        u64::from(self.segment) << 32 | u64::from(self.offset)
    }

    /// From one number.
    pub(super) fn of_packed(packed: u64) -> Self {
        let low = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self { segment: low(packed >> 32), offset: low(packed) }
    }

    /// A place of the ring.
    pub(super) fn of(place: RecordPlace) -> Self {
        Self { segment: place.segment, offset: place.start }
    }

    /// The number of bytes after it.
    pub(super) fn bytes_ahead(self, ring: &Ring) -> u64 {
        ring.bytes_after(self.segment, self.offset)
    }

    /// The end of the ring.
    pub(super) fn end(ring: &Ring) -> Self {
        ring.last()
            .map_or_else(Self::default, |last| Self { segment: last.segment.number(), offset: last.end })
    }

    /// The stretch after it; `None` at the end. If the ring has removed that part, the stretch is the beginning of the rest:
    /// the sequences then show that events are missing.
    fn stretch(self, ring: &Ring) -> Option<Stretch> {
        let mut number = self.segment;
        loop {
            let held = ring.segment_from(number)?;
            let here = held.segment.number() == self.segment;
            let from = if here { self.offset.max(held.begin) } else { held.begin };
            if from < held.end {
                return Some(Stretch { segment: Arc::clone(&held.segment), from, to: held.end });
            }
            number = held.segment.number() + 1;
        }
    }
}

impl Follower {
    /// Continues a cache with the whole ring.
    pub(super) fn new(cache: SnapshotCache) -> Self {
        Self { cache, at: Cursor::default(), is_unsure: true, buffer: Vec::new() }
    }

    /// Whether everything before `end` was read.
    pub(super) fn has_reached(&self, end: Cursor) -> bool {
        self.at >= end
    }

    /// The next stretch to read.
    pub(super) fn next(&mut self, ring: &Ring) -> Option<Stretch> {
        self.is_unsure |= self.at.segment < ring.first_number();
        self.at.stretch(ring)
    }

    /// Whether events may have been missed that no later event shows, until [`check`](Self::check).
    pub(super) fn is_unsure(&self) -> bool {
        self.is_unsure
    }

    /// Checks all topics at the end of the ring, if that is necessary. Returns the topics that lose their snapshots, since
    /// their last event was missed.
    pub(super) fn check(&mut self, ring: &Ring, topics: &Topics) -> Vec<(Bytes, Unfit)> {
        if !std::mem::take(&mut self.is_unsure) {
            return Vec::new();
        }
        self.at = self.at.max(Cursor::end(ring));
        self.cache.check(|topic| topics.named(topic).map(|state| state.sequence.last()))
    }

    /// The number of bytes that are still to be read.
    pub(super) fn bytes_ahead(&self, ring: &Ring) -> u64 {
        self.at.bytes_ahead(ring)
    }

    /// The place up to which it has read.
    pub(super) fn at(&self) -> Cursor {
        self.at
    }

    /// Reads records of a stretch: at least one, and at most `bytes` bytes of them. Returns the topics that lose their
    /// snapshots.
    ///
    /// # Errors
    /// Those of reading a file; the unreadable part is skipped.
    pub(super) fn read(
        &mut self,
        stretch: &Stretch,
        limit: usize,
        now: Duration,
    ) -> io::Result<Vec<(Bytes, Unfit)>> {
        let Stretch { segment, from, to } = stretch;
        let number = segment.number();
        self.cache.begin_segment(number);
        // Skipped if it cannot be read.
        self.at = Cursor { segment: number, offset: *to };
        let was_unsure = std::mem::replace(&mut self.is_unsure, true);
        let mut head = [0; HEAD_BYTES];
        segment.read_into(*from, &mut head)?;
        let first = HEAD_BYTES + record::length(&head).unwrap_or(0);
        let there = index(*to - *from);
        if first > there {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.resize(there.min(limit).max(first), 0);
        segment.read_into(*from, &mut bytes)?;
        let mut unfit = Vec::new();
        let mut at = 0;
        while let Some(body) = record::written(&bytes, at) {
            self.events(body, now, &mut unfit)?;
            at += HEAD_BYTES + body.len();
        }
        self.buffer = bytes;
        self.at.offset = *from + u32::try_from(at).unwrap_or(0);
        self.is_unsure = was_unsure;
        Ok(unfit)
    }

    /// Reads a record in memory, which must be the next one. Of events whose rows are known, payloads are not parsed again.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is not a record; it is skipped.
    pub(super) fn read_written(
        &mut self,
        record: &WrittenRecord,
        now: Duration,
    ) -> io::Result<Vec<(Bytes, Unfit)>> {
        let WrittenRecord { place, bytes, epoch, frames, .. } = record;
        let body = record::written(bytes, 0).ok_or(io::ErrorKind::InvalidData)?;
        let length = u32::try_from(HEAD_BYTES + body.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        self.cache.begin_segment(place.segment);
        self.at = Cursor { segment: place.segment, offset: place.start.saturating_add(length) };
        let was_unsure = std::mem::replace(&mut self.is_unsure, true);
        let mut unfit = Vec::new();
        let is_run = |one: &NumberedFrame, next: &NumberedFrame| {
            one.id == next.id && one.row.is_some() && next.row.is_some()
        };
        for run in frames.chunk_by(is_run) {
            let part = |range: Range<usize>| bytes.get(range).unwrap_or_default();
            let Some(first) = run.first() else { continue };
            let topic = part(first.topic());
            let gone = match first.row {
                None => self.event(topic, part(first.payload()), now),
                Some(NumberedRow { number, .. }) => {
                    let events =
                        run.iter().filter_map(|frame| Some((frame.row?.span, part(frame.payload()))));
                    self.cache.observe_run(topic, Position { epoch: *epoch, sequence: number }, events, now)
                }
            };
            unfit.extend(gone);
        }
        self.is_unsure = was_unsure;
        Ok(unfit)
    }

    fn events(&mut self, body: &[u8], now: Duration, unfit: &mut Vec<(Bytes, Unfit)>) -> io::Result<()> {
        for event in record::events(body) {
            let event = event.ok_or(io::ErrorKind::InvalidData)?;
            unfit.extend(self.event(event.topic_of(body), event.payload_of(body), now));
        }
        Ok(())
    }

    fn event(&mut self, topic: &[u8], payload: &[u8], now: Duration) -> Vec<(Bytes, Unfit)> {
        if let Some(marked) = topic.strip_prefix(MARK_PREFIX) {
            let control = Topic::new(topic.to_vec()).map(|topic| Control::read(&topic, payload));
            let Ok(Ok(Some(Control::Lost(lost)))) = control else { return Vec::new() };
            return self.cache.observe(marked, position(lost.stamp), None, now);
        }
        let Some(row) = RowRef::find(payload) else { return Vec::new() };
        let Some(stamp) = row.stamp else { return Vec::new() };
        self.cache.observe(topic, position(stamp), Some((&row, payload)), now)
    }
}

fn position(stamp: Stamp) -> Position {
    Position { epoch: stamp.epoch, sequence: stamp.sequence }
}

fn index(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
