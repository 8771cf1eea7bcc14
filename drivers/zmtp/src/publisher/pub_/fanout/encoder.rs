use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use pubsub_api::{EncodedEvent, PeerId};

use super::block::{Block, Span};
use super::filters::{Filters, GroupId};
use crate::framing;
use crate::protocol::put_event;

/// Makes blocks of events, with the groups that receive them.
///
/// Events are encoded once. A publisher that keeps its events in the form in which they are sent hands over its records
/// instead, and large parts of them become blocks without a copy.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    pub(super) filters: Filters,
    /// The block that is being written.
    bytes: Vec<u8>,
    /// For each group, by index, the parts of that block that it receives.
    spans: Vec<Vec<Span>>,
    /// The groups that receive some of it.
    touched: Vec<GroupId>,
    /// The topic of the last event, with its audience: events of one topic often follow each other.
    last: Option<(Bytes, Arc<[GroupId]>)>,
    /// Events of a record, side by side, that somebody receives.
    run: Vec<RunPart>,
}

/// Events of a run with the same audience.
#[derive(Debug)]
struct RunPart {
    /// In the record.
    range: Range<usize>,
    audience: Arc<[GroupId]>,
}

/// A block is closed at this size: it stays in the cache of the processor until all connections have it.
const BLOCK_BYTES: usize = 256 * 1024;

/// A smaller block is copied into memory of its exact size, so that a lone event does not keep a large buffer.
const SMALL_BYTES: usize = BLOCK_BYTES / 2;

/// A smaller part of a record is copied: a slow subscriber that waits for it must not keep the whole record.
const SHARED_BYTES: usize = 16 * 1024;

impl Encoder {
    /// Encodes the next event for its audience; returns a block, if it is full. An event without an audience leaves no trace.
    pub(super) fn put(&mut self, event: EncodedEvent<'_>) -> Option<Block> {
        let audience = self.audience(event.topic);
        if audience.is_empty() {
            return None;
        }
        let start = self.bytes.len();
        put_event(&mut self.bytes, event.topic, event.payload);
        self.note(start..self.bytes.len(), &audience);
        if self.bytes.len() >= BLOCK_BYTES { self.finish() } else { None }
    }

    /// Adds events of a record that is laid out by our framing: the ranges of topic and payload of each. Hands out the blocks
    /// that are full.
    pub(super) fn put_run(
        &mut self,
        record: &Bytes,
        events: impl Iterator<Item = (Range<usize>, Range<usize>)>,
        hand_out: &mut impl FnMut(Block),
    ) {
        for (topic, payload) in events {
            let range = framing::begin_of(&topic)..payload.end;
            let topic = record.get(topic).unwrap_or_default();
            if self.run.last().is_some_and(|last| last.range.end != range.start)
                || self.run_range().len() >= BLOCK_BYTES
            {
                self.end_run(record, hand_out);
            }
            if let Some(last) = self.run.last_mut()
                && self.last.as_ref().is_some_and(|(name, _)| *name == topic)
            {
                last.range.end = range.end;
                continue;
            }
            let audience = self.audience(topic);
            if !audience.is_empty() {
                self.run.push(RunPart { range, audience });
            }
        }
        self.end_run(record, hand_out);
    }

    fn run_range(&self) -> Range<usize> {
        match (self.run.first(), self.run.last()) {
            (Some(first), Some(last)) => first.range.start..last.range.end,
            _ => 0..0,
        }
    }

    /// Makes a block of the run, or copies it into the block that is being written.
    fn end_run(&mut self, record: &Bytes, hand_out: &mut impl FnMut(Block)) {
        let all = self.run_range();
        let is_shared = all.len() >= SHARED_BYTES && all.len() >= record.len().min(2 * BLOCK_BYTES) / 2;
        if is_shared {
            self.finish().into_iter().for_each(&mut *hand_out);
        } else {
            self.bytes.extend_from_slice(record.get(all.clone()).unwrap_or_default());
        }
        let base = self.bytes.len().saturating_sub(all.len());
        let base = if is_shared { 0 } else { base };
        for part in std::mem::take(&mut self.run).drain(..) {
            let at = |place: usize| base + place - all.start;
            self.note(at(part.range.start)..at(part.range.end), &part.audience);
        }
        if is_shared {
            hand_out(self.close(Block::shared(record.slice(all))));
        } else if self.bytes.len() >= BLOCK_BYTES {
            self.finish().into_iter().for_each(hand_out);
        }
    }

    /// Notes that these bytes of the block are for this audience.
    fn note(&mut self, range: Range<usize>, audience: &[GroupId]) {
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let span = Span { start: number(range.start), end: number(range.end) };
        for group in audience {
            let Some(spans) = self.spans.get_mut(group.index()) else { continue };
            match spans.last_mut() {
                Some(last) if last.end == span.start => last.end = span.end,
                Some(_) => spans.push(span),
                None => {
                    spans.push(span);
                    self.touched.push(*group);
                }
            }
        }
    }

    /// The block that was being written, if there is anything in it.
    pub(super) fn finish(&mut self) -> Option<Block> {
        if self.bytes.is_empty() {
            return None;
        }
        let bytes = if self.bytes.len() < SMALL_BYTES {
            let exact = self.bytes.as_slice().to_vec();
            self.bytes.clear();
            exact
        } else {
            std::mem::take(&mut self.bytes)
        };
        Some(self.close(Block::new(bytes)))
    }

    /// Adds the audience that was noted.
    fn close(&mut self, mut block: Block) -> Block {
        self.touched.sort_unstable();
        for group in self.touched.drain(..) {
            if let Some(spans) = self.spans.get_mut(group.index()) {
                block.add(group, spans);
                spans.clear();
            }
        }
        block
    }

    /// An event for one peer.
    pub(super) fn for_one(peer: PeerId, topic: &[u8], payload: &[u8]) -> Block {
        let mut bytes = Vec::with_capacity(topic.len() + payload.len() + 11);
        put_event(&mut bytes, topic, payload);
        Block::only(peer, bytes)
    }

    /// Gives a buffer back that no connection needs any more.
    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.bytes.capacity() == 0 && buffer.capacity() <= 2 * BLOCK_BYTES {
            buffer.clear();
            self.bytes = buffer;
        }
    }

    /// To be called when a filter has changed.
    pub(super) fn forget_audiences(&mut self) {
        self.last = None;
    }

    fn audience(&mut self, topic: &[u8]) -> Arc<[GroupId]> {
        if let Some((last, audience)) = &self.last
            && *last == topic
        {
            return Arc::clone(audience);
        }
        let audience = self.filters.audience(topic);
        if self.spans.len() < self.filters.capacity() {
            self.spans.resize_with(self.filters.capacity(), Vec::new);
        }
        self.last = Some((Bytes::copy_from_slice(topic), Arc::clone(&audience)));
        audience
    }
}

#[cfg(test)]
mod tests;
