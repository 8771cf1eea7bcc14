use std::collections::BTreeMap;

/// Events of one epoch that came before those that they follow, by number; bounded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Buffer<E> {
    epoch: u64,
    events: BTreeMap<u64, (E, usize)>,
    /// The lowest number that it had to let go for want of room.
    dropped_from: Option<u64>,
    bytes: usize,
    limit: BufferLimit,
}

/// The bound of what one tracker holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BufferLimit {
    /// How many events.
    pub events: usize,
    /// How many bytes they have together.
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

    /// The lowest number in it.
    pub(super) fn first(&self) -> Option<u64> {
        self.events.keys().next().copied()
    }

    /// The lowest number in it, if it holds that epoch.
    pub(super) fn first_of(&self, epoch: u64) -> Option<u64> {
        self.first().filter(|_| self.epoch == epoch)
    }

    /// The lowest number of that epoch that came and was not applied, whether it is still here or was dropped for want of room.
    pub(super) fn lowest(&self, epoch: u64) -> Option<u64> {
        let lowest = self.dropped_from.into_iter().chain(self.first()).min();
        lowest.filter(|_| self.epoch == epoch)
    }

    /// Whether that event is in it.
    pub(super) fn has(&self, epoch: u64, number: u64) -> bool {
        self.epoch == epoch && self.events.contains_key(&number)
    }

    /// Adds an event. Those of another epoch leave; and if it gets too full, all leave, for the publisher still has them:
    /// how many did for want of room.
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

    /// Takes the event of that number out.
    pub(super) fn take(&mut self, number: u64) -> Option<E> {
        let (event, bytes) = self.events.remove(&number)?;
        self.bytes -= bytes;
        Some(event)
    }

    /// Drops what is numbered up to `number`.
    pub(super) fn drop_up_to(&mut self, number: u64) {
        // What was dropped comes from the publisher: at the latest when the first of it has, it is no matter any more.
        self.dropped_from = self.dropped_from.filter(|dropped| *dropped > number);
        while self.first().is_some_and(|first| first <= number) {
            if let Some((_, (_, bytes))) = self.events.pop_first() {
                self.bytes -= bytes;
            }
        }
    }

    /// Lets go of all for want of room, to be asked for again: how many there were.
    pub(super) fn overflow(&mut self) -> usize {
        let dropped_from = self.lowest(self.epoch);
        let dropped = self.clear();
        self.dropped_from = dropped_from;
        dropped
    }

    /// Lets go of all: how many there were.
    pub(super) fn clear(&mut self) -> usize {
        self.bytes = 0;
        self.dropped_from = None;
        std::mem::take(&mut self.events).len()
    }
}
