use std::collections::VecDeque;
use std::sync::Arc;

/// The parts that one end of a call has sent, of the arguments or of the result, and that have not arrived.
#[derive(Debug, Default)]
pub(super) struct SentParts {
    /// The number of parts that were sent.
    sent: u64,
    /// Parts below this may be sent.
    limit: u64,
    waiting: VecDeque<Arc<str>>,
}

impl SentParts {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, ..Self::default() }
    }

    /// The number of parts that were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns whether one more part may be sent.
    pub(super) fn has_credit(&self) -> bool {
        self.sent < self.limit
    }

    /// Adds a part; returns its place.
    pub(super) fn push(&mut self, text: Arc<str>) -> u64 {
        self.waiting.push_back(text);
        self.sent += 1;
        self.sent - 1
    }

    /// Notes what the other end has, and how far it can receive, at most `window` parts further. Returns the bytes that have
    /// arrived.
    pub(super) fn credit(&mut self, received: u64, limit: u64, window: u64) -> usize {
        let received = received.min(self.sent);
        self.limit = self.limit.max(limit.min(received.saturating_add(window)));
        let mut bytes = 0;
        while self.first() < received
            && let Some(arrived) = self.waiting.pop_front()
        {
            bytes += arrived.len();
        }
        bytes
    }

    /// The parts that have not arrived, with their places.
    pub(super) fn missing(&self) -> impl Iterator<Item = (u64, Arc<str>)> {
        (self.first()..).zip(self.waiting.iter().cloned())
    }

    /// The bytes that have not arrived.
    pub(super) fn bytes(&self) -> usize {
        self.waiting.iter().map(|text| text.len()).sum()
    }

    fn first(&self) -> u64 {
        self.sent.saturating_sub(self.waiting.len() as u64)
    }
}
