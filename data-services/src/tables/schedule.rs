use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::StreamName;

/// When each stream is to be looked at. A time may be early, never late: a later time is taken when the earlier one is due.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct Schedule {
    times: BTreeMap<StreamName, Duration>,
    order: BTreeSet<(Duration, StreamName)>,
}

impl Schedule {
    /// Notes that something of a stream is due at `at`, unless it is to be looked at before that anyway.
    pub(super) fn put(&mut self, stream: &StreamName, at: Duration) {
        if self.times.get(stream).is_some_and(|known| *known <= at) {
            return;
        }
        self.remove(stream);
        self.times.insert(stream.clone(), at);
        self.order.insert((at, stream.clone()));
    }

    /// Forgets a stream.
    pub(super) fn remove(&mut self, stream: &StreamName) {
        if let Some(at) = self.times.remove(stream) {
            self.order.remove(&(at, stream.clone()));
        }
    }

    /// Takes a stream that is due.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<StreamName> {
        self.next_at().filter(|at| *at <= now)?;
        let (_, stream) = self.order.pop_first()?;
        self.times.remove(&stream);
        Some(stream)
    }

    /// Moves its times into the past.
    #[cfg(test)]
    pub(super) fn age(&mut self, by: Duration) {
        let Self { times, .. } = std::mem::take(self);
        times.iter().for_each(|(stream, at)| self.put(stream, at.saturating_sub(by)));
    }

    /// When the first stream is due.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }
}
