use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pubsub_api::wire::EventRef;
use pubsub_api::{MARK_PREFIX, Stamp, Topic};

use super::bytes_reader::BytesReader;
use super::record::{self, Frame, HEAD_BYTES};
use super::ring::Ring;
use super::segment::Segment;
use super::snapshot_cache::{SnapshotCache, Unfit};
use crate::{Control, Position};

/// Reads the ring behind whoever writes it, and keeps each row's latest event.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) cache: SnapshotCache,
    at: Cursor,
    /// For the next record: large ones are not to be allocated anew each time.
    buffer: Vec<u8>,
}

/// A place in the ring, between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Cursor {
    segment: u32,
    offset: u32,
}

/// What is next in the ring.
#[derive(Debug)]
pub(super) struct Stretch {
    segment: Arc<Segment>,
    from: u32,
    to: u32,
}

impl Cursor {
    /// The end of the ring.
    pub(super) fn end(ring: &Ring) -> Self {
        ring.last()
            .map_or_else(Self::default, |last| Self { segment: last.segment.number(), offset: last.end })
    }

    /// What stands behind it; `None` at the end. If the ring has let go of it, it is the beginning of what is left: the
    /// numbers then tell that something is missing.
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
    pub(super) fn new(snapshot_bytes: u64) -> Self {
        Self { cache: SnapshotCache::new(snapshot_bytes), at: Cursor::default(), buffer: Vec::new() }
    }

    /// Whether it has read all up to `end`.
    pub(super) fn has_reached(&self, end: Cursor) -> bool {
        self.at >= end
    }

    /// What it reads next.
    pub(super) fn next(&self, ring: &Ring) -> Option<Stretch> {
        self.at.stretch(ring)
    }

    /// Reads records of a stretch, at least one and at most so many bytes; which topics lose their snapshots by it.
    ///
    /// # Errors
    /// Those of reading a file; what could not be read is passed over.
    pub(super) fn read(
        &mut self,
        stretch: &Stretch,
        limit: u32,
        now: Duration,
    ) -> io::Result<Vec<(Bytes, Unfit)>> {
        let Stretch { segment, from, to } = stretch;
        let mut from = *from;
        let mut unfit = Vec::new();
        let until = from.saturating_add(limit).min(*to);
        while from < until {
            // Passed over if it cannot be read.
            self.at = Cursor { segment: segment.number(), offset: *to };
            let head = segment.read(from, HEAD_BYTES)?;
            let length = BytesReader::new(&head).word().ok_or(io::ErrorKind::InvalidData)?;
            let body_at = from + u32::try_from(HEAD_BYTES).unwrap_or(0);
            let mut body = std::mem::take(&mut self.buffer);
            body.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
            segment.read_into(body_at, &mut body)?;
            let (frames, _) = record::batch(&body).ok_or(io::ErrorKind::InvalidData)?;
            for frame in frames {
                unfit.extend(self.event(&frame, &body, now));
            }
            self.buffer = body;
            from = body_at + length;
            self.at = Cursor { segment: segment.number(), offset: from };
        }
        Ok(unfit)
    }

    fn event(&mut self, frame: &Frame, body: &[u8], now: Duration) -> Vec<(Bytes, Unfit)> {
        let (topic, payload) = (frame.topic_of(body), frame.payload_of(body));
        if let Some(marked) = topic.strip_prefix(MARK_PREFIX) {
            let control = Topic::new(topic.to_vec()).map(|topic| Control::read(&topic, payload));
            let Ok(Ok(Some(Control::Lost(lost)))) = control else { return Vec::new() };
            return self.cache.observe(marked, position(lost.stamp), None, now);
        }
        let Ok(event) = EventRef::read(topic, payload) else { return Vec::new() };
        let Some(stamp) = event.stamp else { return Vec::new() };
        self.cache.observe(topic, position(stamp), Some((&event, payload)), now)
    }
}

fn position(stamp: Stamp) -> Position {
    Position { epoch: stamp.epoch, number: stamp.sequence }
}
