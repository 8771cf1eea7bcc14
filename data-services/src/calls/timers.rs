use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

use foldhash::fast::RandomState;

/// Points in time, one for each key.
#[derive(Debug, Clone)]
pub(crate) struct Timers<K> {
    times: HashMap<K, Duration, RandomState>,
    order: BTreeSet<(Duration, K)>,
}

impl<K: Copy + Hash + Ord> Timers<K> {
    /// No timer.
    pub(crate) fn new() -> Self {
        Self { times: HashMap::default(), order: BTreeSet::new() }
    }

    /// Sets the timer of a key, in place of an earlier one.
    pub(crate) fn set(&mut self, key: K, at: Duration) {
        self.clear(key);
        self.times.insert(key, at);
        self.order.insert((at, key));
    }

    /// Sets the timer of a key that has none.
    pub(crate) fn set_if_none(&mut self, key: K, at: Duration) {
        if !self.is_set(key) {
            self.set(key, at);
        }
    }

    /// Returns whether a key has a timer.
    pub(crate) fn is_set(&self, key: K) -> bool {
        self.times.contains_key(&key)
    }

    /// Removes the timer of a key.
    pub(crate) fn clear(&mut self, key: K) {
        if let Some(at) = self.times.remove(&key) {
            self.order.remove(&(at, key));
        }
    }

    /// Removes and returns the earliest key whose time has come.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<K> {
        let (at, key) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.clear(key);
        Some(key)
    }

    /// The earliest time.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Timers;

    #[test]
    fn keys_are_due_in_the_order_of_their_latest_times() {
        let at = Duration::from_secs;
        let mut timers = Timers::new();
        timers.set('a', at(3));
        timers.set('b', at(2));
        timers.set('a', at(1));
        timers.set_if_none('b', at(9));
        timers.set('c', at(2));
        timers.clear('c');
        assert_eq!(timers.next(), Some(at(1)));
        assert_eq!((timers.pop(at(0)), timers.pop(at(2)), timers.pop(at(2))), (None, Some('a'), Some('b')));
        assert_eq!((timers.pop(at(9)), timers.next()), (None, None));
    }
}
