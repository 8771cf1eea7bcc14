use std::sync::Arc;

use bytes::Bytes;
use pubsub_api::{EncodedEvent, PeerId};

use super::block::{Block, Span};
use super::filters::{Filters, GroupId};
use crate::protocol::put_event;

/// Encodes events once, into blocks, with the groups that receive them.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    pub(super) filters: Filters,
    /// The block that is being written.
    bytes: Vec<u8>,
    /// For each group, by index, what it wants of that block.
    spans: Vec<Vec<Span>>,
    /// The groups that want some of it.
    touched: Vec<GroupId>,
    /// The topic of the last event, with its audience: events of one topic come together.
    last: Option<(Bytes, Arc<[GroupId]>)>,
}

/// A block is closed when it has so many bytes: it stays in the cache of the processor until all connections have it.
const BLOCK_BYTES: usize = 256 * 1024;

/// What is smaller is copied into memory of its very size, so that a lone event does not keep a large buffer.
const SMALL_BYTES: usize = BLOCK_BYTES / 2;

impl Encoder {
    /// Encodes the next event for those who want it; a block, if one is full with it. An event that nobody wants leaves no
    /// trace.
    pub(super) fn put(&mut self, event: EncodedEvent<'_>) -> Option<Block> {
        let audience = self.audience(event.topic);
        if audience.is_empty() {
            return None;
        }
        let start = self.bytes.len();
        put_event(&mut self.bytes, event.topic, event.payload);
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let span = Span { start: number(start), end: number(self.bytes.len()) };
        for group in audience.iter() {
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
        if self.bytes.len() >= BLOCK_BYTES { self.finish() } else { None }
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
        let mut block = Block::new(bytes);
        self.touched.sort_unstable();
        for group in self.touched.drain(..) {
            if let Some(spans) = self.spans.get_mut(group.index()) {
                block.add(group, spans);
                spans.clear();
            }
        }
        Some(block)
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
