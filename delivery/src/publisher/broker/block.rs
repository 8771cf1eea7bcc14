use bytes::Bytes;
use pubsub_api::{Batch, Envelope};

use crate::publisher::numbering::stamper::{AuthoredMap, Stamper};

/// The events of one batch, written one after the other, before they become one block of it.
#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    frames: Vec<Frame>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    start: usize,
    pub(crate) payload: usize,
    end: usize,
}

impl Block {
    /// Adds an event with its stamp appended, sealed if the stamper seals.
    pub(super) fn put(&mut self, topic: &[u8], map: &AuthoredMap<'_>, stamper: &mut Stamper, number: u64) {
        let (start, payload) = self.begin(topic, stamper.bytes(map));
        stamper.put(topic, map, number, &mut self.bytes);
        self.frames.push(Frame { start, payload, end: self.bytes.len() });
    }

    /// Adds a packed envelope.
    pub(super) fn put_whole(&mut self, envelope: &Envelope) {
        let (start, payload) = self.begin(envelope.topic.as_bytes(), envelope.payload.len());
        self.bytes.extend_from_slice(&envelope.payload);
        self.frames.push(Frame { start, payload, end: self.bytes.len() });
    }

    fn begin(&mut self, topic: &[u8], payload_bytes: usize) -> (usize, usize) {
        let start = self.bytes.len();
        self.bytes.reserve(topic.len() + payload_bytes);
        self.bytes.extend_from_slice(topic);
        (start, self.bytes.len())
    }

    /// Moves all events to the batch.
    pub(super) fn finish(&mut self, out: &mut Batch) {
        let block = out.add_block(Bytes::from(std::mem::take(&mut self.bytes)));
        for Frame { start, payload, end } in self.frames.drain(..) {
            // The span lies within the block.
            let _ = out.push_span(block, start..payload, payload..end);
        }
    }
}
