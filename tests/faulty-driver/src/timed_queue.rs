use std::collections::BTreeMap;

use tokio::time::Instant;

/// The place of an item: the time from which it can be read, and the order of items of one time.
pub(crate) type Place = (Instant, u64);

/// Items that can be read from a time on, in the order of these times.
#[derive(Debug)]
pub(crate) struct TimedQueue<T> {
    items: BTreeMap<Place, T>,
    pushed: u64,
}

impl<T> TimedQueue<T> {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        Self { items: BTreeMap::new(), pushed: 0 }
    }

    /// Adds an item that can be read from `due` on.
    pub(crate) fn push(&mut self, due: Instant, item: T) -> Place {
        self.pushed += 1;
        let place = (due, self.pushed);
        self.items.insert(place, item);
        place
    }

    /// Removes the first item, if it can be read.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        let first = self.items.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove())
    }

    /// Returns when the first item can be read.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.items.first_key_value().map(|(place, _)| place.0)
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        self.items.get_mut(&place)
    }

    pub(crate) fn last(&self) -> Option<&T> {
        self.items.last_key_value().map(|(_, item)| item)
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.items.retain(|_, item| keep(item));
    }
}
