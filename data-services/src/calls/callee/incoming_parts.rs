use std::collections::VecDeque;
use std::sync::Arc;

use crate::calls::received_parts::ReceivedParts;

/// The parts of the arguments of one run that have arrived and were not read.
#[derive(Debug)]
pub(super) struct IncomingParts {
    parts: ReceivedParts<()>,
    /// The sizes of those that were handed over, in bytes.
    unread: VecDeque<usize>,
    /// Whether all parts and their end have arrived.
    pub(super) is_ended: bool,
}

impl IncomingParts {
    pub(super) fn new(window: u64) -> Self {
        Self { parts: ReceivedParts::new(window), unread: VecDeque::new(), is_ended: false }
    }

    /// Adds a part; returns the parts that are next, in order.
    pub(super) fn add(&mut self, index: u64, text: Arc<str>) -> Vec<Arc<str>> {
        let next = self.parts.add(index, text);
        self.unread.extend(next.iter().map(|text| text.len()));
        next
    }

    /// Notes the end, after this number of parts.
    pub(super) fn end(&mut self, parts: u64) {
        self.parts.end(parts, ());
    }

    /// Returns whether the end has come, for the first time.
    pub(super) fn ends_now(&mut self) -> bool {
        let ends = self.parts.take_end().is_some() && !self.is_ended;
        self.is_ended |= ends;
        ends
    }

    /// Notes that the method has read parts. Returns whether it is worth a message.
    pub(super) fn read(&mut self, parts: u64) -> bool {
        for _ in 0..parts.min(self.unread.len() as u64) {
            self.unread.pop_front();
        }
        self.parts.read(parts) && !self.is_ended
    }

    /// What the caller is to know: how many parts have arrived, and how many may be sent.
    pub(super) fn credit(&mut self) -> (u64, u64) {
        self.parts.credit()
    }

    /// The bytes that were not read.
    pub(super) fn bytes(&self) -> usize {
        self.parts.early_bytes() + self.unread.iter().sum::<usize>()
    }
}
