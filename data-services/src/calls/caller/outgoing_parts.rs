use std::sync::Arc;

use crate::calls::sent_parts::SentParts;

/// The parts of the arguments of one call.
#[derive(Debug, Default)]
pub(super) struct OutgoingParts {
    parts: SentParts,
    /// The number of all parts, when there are no more.
    end: Option<u64>,
    /// Whether the callee has had an opportunity to hear of the end.
    end_is_sent: bool,
}

impl OutgoingParts {
    /// Returns whether the callee can receive one more part.
    pub(super) fn has_credit(&self) -> bool {
        self.parts.has_credit()
    }

    /// Adds a part; returns its place.
    pub(super) fn push(&mut self, text: Arc<str>) -> u64 {
        self.parts.push(text)
    }

    /// Notes that there are no more parts.
    pub(super) fn end(&mut self) {
        self.end = Some(self.parts.sent());
    }

    /// Notes what the callee has, and how far it can receive. Returns the bytes that have arrived.
    pub(super) fn credit(&mut self, received: u64, limit: u64, window: u64) -> usize {
        self.parts.credit(received, limit, window)
    }

    /// The parts that have not arrived, with their places.
    pub(super) fn missing(&self) -> Vec<(u64, Arc<str>)> {
        self.parts.missing().collect()
    }

    /// The number of all parts, if there are no more, and the callee is to hear that now.
    pub(super) fn take_end(&mut self, is_repeat: bool) -> Option<u64> {
        let end = self.end.filter(|_| is_repeat || !self.end_is_sent)?;
        self.end_is_sent = true;
        Some(end)
    }

    /// The bytes that have not arrived.
    pub(super) fn bytes(&self) -> usize {
        self.parts.bytes()
    }
}
