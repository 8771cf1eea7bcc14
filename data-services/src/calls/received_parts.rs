use std::collections::BTreeMap;
use std::sync::Arc;

/// The parts of one call that have arrived, of the arguments or of the result, and with which `End` they end.
#[derive(Debug)]
pub(super) struct ReceivedParts<End> {
    /// The number of parts that were handed over, in order.
    received: u64,
    /// The number of those that the reader has read.
    read: u64,
    window: u64,
    /// The limit that was sent last.
    limit: u64,
    /// Parts that overtook others.
    early: BTreeMap<u64, Arc<str>>,
    /// The end, and the number of parts before it, when it overtook some.
    end: Option<(u64, End)>,
}

impl<End> ReceivedParts<End> {
    pub(super) fn new(window: u64) -> Self {
        Self { received: 0, read: 0, window, limit: window, early: BTreeMap::new(), end: None }
    }

    /// Adds a part; returns the parts that are next, in order. A duplicate and what is beyond the window are dropped.
    pub(super) fn add(&mut self, index: u64, text: Arc<str>) -> Vec<Arc<str>> {
        if index >= self.received && index < self.read.saturating_add(self.window) {
            self.early.insert(index, text);
        }
        let mut next = Vec::new();
        while let Some(text) = self.early.remove(&self.received) {
            self.received += 1;
            next.push(text);
        }
        next
    }

    /// Notes that the reader has read parts. Returns whether it is worth a message.
    pub(super) fn read(&mut self, parts: u64) -> bool {
        self.read = self.read.saturating_add(parts).min(self.received);
        self.read + self.window >= self.limit + (self.window / 2).max(1)
    }

    /// What the other end is to know: how many parts have arrived, and how many may be sent.
    pub(super) fn credit(&mut self) -> (u64, u64) {
        self.limit = self.read + self.window;
        (self.received, self.limit)
    }

    /// The bytes of the parts that overtook others.
    pub(super) fn early_bytes(&self) -> usize {
        self.early.values().map(|text| text.len()).sum()
    }

    /// Notes the end, after this number of parts.
    pub(super) fn end(&mut self, parts: u64, end: End) {
        self.end = Some((parts, end));
    }

    /// Returns the end if all parts before it have arrived.
    pub(super) fn take_end(&mut self) -> Option<End> {
        let received = self.received;
        self.end.take_if(|(parts, _)| *parts <= received).map(|(_, end)| end)
    }
}
