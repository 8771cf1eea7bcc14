use bytes::Bytes;
use events::wire::RowSpan;

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
    #[inline]
    pub(super) fn new(topic: Frame, payload: Frame) -> Self {
        Self { topic, payload, source: NO_SOURCE, nth: 0 }
    }

    #[inline]
    pub(super) fn of<'a>(
        self,
        blocks: &'a [Bytes],
        sources: &[Source],
        row: Option<RowSpan>,
    ) -> EncodedEvent<'a> {
        let origin = sources.get(self.source as usize).map(|source| {
            let number = source.first + u64::from(self.nth);
            WorkerPosition { worker: source.worker, number, sent_before: number <= source.sent_before }
        });
        EncodedEvent { topic: self.topic.of(blocks), payload: self.payload.of(blocks), origin, row }
    }

    /// Returns the same span after this number of blocks and sources was put before its own.
    #[inline]
    pub(super) fn shifted_by(self, blocks: u32, sources: u32) -> Self {
        Self {
            topic: self.topic.shifted_by(blocks),
            payload: self.payload.shifted_by(blocks),
            source: self.source.saturating_add(sources),
            ..self
        }
    }
}
