use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

/// Events in one block of memory, as it was read.
#[derive(Debug)]
pub(crate) struct ReceivedEvents {
    block: Bytes,
    spans: VecDeque<Span>,
    bytes: usize,
}

/// The ranges of the two frames of an event in their block; both are within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) topic: Range<usize>,
    pub(crate) payload: Range<usize>,
}

impl Span {
    /// How many bytes its frames have.
    pub(crate) fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

impl ReceivedEvents {
    /// The events of `spans`, in order.
    pub(crate) fn new(block: Bytes, spans: VecDeque<Span>) -> Self {
        let bytes = spans.iter().map(Span::bytes).sum();
        Self { block, spans, bytes }
    }

    pub(crate) fn block(&self) -> &Bytes {
        &self.block
    }

    /// How many events are left.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many bytes their frames have together.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the next event.
    pub(crate) fn pop(&mut self) -> Option<Span> {
        let span = self.spans.pop_front()?;
        self.bytes -= span.bytes();
        Some(span)
    }

    /// Takes the next `count` events.
    pub(crate) fn split_to(&mut self, count: usize) -> Self {
        let rest = self.spans.split_off(count.min(self.spans.len()));
        let first = std::mem::replace(&mut self.spans, rest);
        let part = Self::new(self.block.clone(), first);
        self.bytes -= part.bytes;
        part
    }
}
