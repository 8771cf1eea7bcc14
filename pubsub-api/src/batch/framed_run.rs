use std::ops::Range;

use bytes::Bytes;

use super::Span;

/// Events of a [`Batch`](crate::Batch) that are in one block, laid out by the driver's
/// [framing](crate::Publisher::framing).
#[derive(Debug, Clone, Copy)]
pub struct FramedRun<'a> {
    pub(super) block: &'a Bytes,
    pub(super) spans: &'a [Span],
}

impl<'a> FramedRun<'a> {
    /// Returns the block. It may have other bytes before, between and after the events.
    #[must_use]
    pub fn block(&self) -> &'a Bytes {
        self.block
    }

    /// Iterates over the ranges of topic and payload of each event in the block, in order.
    pub fn events(&self) -> impl ExactSizeIterator<Item = (Range<usize>, Range<usize>)> + 'a {
        self.spans.iter().map(|span| (span.topic.range(), span.payload.range()))
    }
}
