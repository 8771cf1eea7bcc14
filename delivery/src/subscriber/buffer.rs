use std::collections::BTreeMap;

/// Events of one epoch that arrived before missing ones, by sequence; bounded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Buffer<E> {
    epoch: u64,
    events: BTreeMap<u64, (E, usize)>,
    /// The lowest sequence that was dropped because the buffer was full.
    dropped_from: Option<u64>,
    bytes: usize,
    limit: BufferLimit,
}

/// The bound of the buffer of one tracker.
///
/// If either bound is exceeded, all buffered events of the topic are dropped and requested again: nothing is lost, but
/// the requests cost time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BufferLimit {
    /// The number of events.
    pub events: usize,
    /// Their total size in bytes.
    pub bytes: usize,
}

impl Default for BufferLimit {
    /// 4,096 events, 8 MiB.
    fn default() -> Self {
        Self { events: 4096, bytes: 8 * 1024 * 1024 }
    }
}

impl<E> Buffer<E> {
    pub(super) fn new(limit: BufferLimit) -> Self {
        Self { epoch: 0, events: BTreeMap::new(), dropped_from: None, bytes: 0, limit }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The lowest sequence in it.
    pub(super) fn first(&self) -> Option<u64> {
        self.events.keys().next().copied()
    }

    /// The lowest sequence in it, if it holds that epoch.
    pub(super) fn first_of(&self, epoch: u64) -> Option<u64> {
        self.first().filter(|_| self.epoch == epoch)
    }

    /// The lowest sequence of that epoch that arrived and was not applied, whether it is still here or was dropped.
    pub(super) fn lowest(&self, epoch: u64) -> Option<u64> {
        let lowest = self.dropped_from.into_iter().chain(self.first()).min();
        lowest.filter(|_| self.epoch == epoch)
    }

    /// Whether that event is in it.
    pub(super) fn has(&self, epoch: u64, number: u64) -> bool {
        self.epoch == epoch && self.events.contains_key(&number)
    }

    /// Adds an event. Events of another epoch are dropped; if the buffer becomes too full, all are, since the publisher still
    /// has them. Returns the number of events dropped because it was full.
    pub(super) fn put(&mut self, epoch: u64, number: u64, event: E, bytes: usize) -> usize {
        if self.epoch != epoch {
            let _ = self.clear();
            self.epoch = epoch;
        }
        self.bytes += bytes;
        if let Some((_, replaced)) = self.events.insert(number, (event, bytes)) {
            self.bytes -= replaced;
        }
        if self.events.len() <= self.limit.events && self.bytes <= self.limit.bytes {
            return 0;
        }
        self.overflow()
    }

    /// Removes and returns the event with that sequence.
    pub(super) fn take(&mut self, number: u64) -> Option<E> {
        let (event, bytes) = self.events.remove(&number)?;
        self.bytes -= bytes;
        Some(event)
    }

    /// Drops events up to sequence `number`.
    pub(super) fn drop_up_to(&mut self, number: u64) {
        // Dropped events are requested from the publisher; once the first of them is applied, the note is obsolete.
        self.dropped_from = self.dropped_from.filter(|dropped| *dropped > number);
        while self.first().is_some_and(|first| first <= number) {
            if let Some((_, (_, bytes))) = self.events.pop_first() {
                self.bytes -= bytes;
            }
        }
    }

    /// Drops all events because the buffer is full; they are requested again. Returns their number.
    pub(super) fn overflow(&mut self) -> usize {
        let dropped_from = self.lowest(self.epoch);
        let dropped = self.clear();
        self.dropped_from = dropped_from;
        dropped
    }

    /// Drops all events; returns their number.
    pub(super) fn clear(&mut self) -> usize {
        self.bytes = 0;
        self.dropped_from = None;
        std::mem::take(&mut self.events).len()
    }
}
