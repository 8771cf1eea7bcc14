use bytes::Bytes;

use super::frame::Frame;
use super::{EncodedEvent, Source, WorkerPosition};

/// The positions of the two frames of one event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) topic: Frame,
    pub(super) payload: Frame,
    /// Its source and its index in the source; [`NO_SOURCE`] if it has no number.
    pub(super) source: u32,
    pub(super) nth: u32,
}

pub(super) const NO_SOURCE: u32 = u32::MAX;

impl Span {
    pub(super) fn new(topic: Frame, payload: Frame) -> Self {
        Self { topic, payload, source: NO_SOURCE, nth: 0 }
    }

    pub(super) fn of<'a>(self, blocks: &'a [Bytes], sources: &[Source]) -> EncodedEvent<'a> {
        let origin = sources.get(self.source as usize).map(|source| {
            let number = source.first + u64::from(self.nth);
            WorkerPosition { worker: source.worker, number, sent_before: number <= source.sent_before }
        });
        EncodedEvent { topic: self.topic.of(blocks), payload: self.payload.of(blocks), origin }
    }

    /// Returns the same span after this number of blocks and sources was put before its own.
    pub(super) fn shifted_by(self, blocks: u32, sources: u32) -> Self {
        Self {
            topic: self.topic.shifted_by(blocks),
            payload: self.payload.shifted_by(blocks),
            source: self.source.saturating_add(sources),
            nth: self.nth,
        }
    }
}
