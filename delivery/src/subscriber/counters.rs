use std::collections::BTreeMap;

use pubsub_api::{Counter, CounterReading};

/// The counters of a subscriber.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) duplicates: u64,
    pub(super) replayed: u64,
    pub(super) snapshots: u64,
    pub(super) snapshot_rows: u64,
    pub(super) recoveries: u64,
    pub(super) resyncs: u64,
    pub(super) requests: u64,
    pub(super) timeouts: u64,
    pub(super) busy: u64,
    /// Buffered events that were dropped because a buffer was full; they are requested again.
    pub(super) overflowed: u64,
    /// Events of an epoch that is over.
    pub(super) outdated: u64,
    /// Events on topics beyond the bound.
    pub(super) untracked: u64,
    pub(super) unverified: u64,
    gaps: u64,
    missed: u64,
    bad: BTreeMap<&'static str, u64>,
}

impl Counters {
    pub(super) fn gap(&mut self, events: u64) {
        self.gaps += 1;
        self.missed += events;
    }

    pub(super) fn bad(&mut self, cause: &'static str) {
        *self.bad.entry(cause).or_default() += 1;
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let reading = |(name, count): (&'static str, u64)| {
            let counter = Counter::new(name);
            counter.add(count);
            counter.read()
        };
        let mut readings: Vec<CounterReading> = [
            ("events_duplicate", self.duplicates),
            ("events_replayed", self.replayed),
            ("events_missed", self.missed),
            ("events_unverified", self.unverified),
            ("events_untracked", self.untracked),
            ("events_of_ended_epochs", self.outdated),
            ("events_to_be_asked_for_again", self.overflowed),
            ("gaps", self.gaps),
            ("recoveries", self.recoveries),
            ("resyncs", self.resyncs),
            ("snapshots", self.snapshots),
            ("snapshot_rows", self.snapshot_rows),
            ("sync_requests", self.requests),
            ("sync_timeouts", self.timeouts),
            ("sync_busy", self.busy),
        ]
        .into_iter()
        .map(reading)
        .collect();
        readings.extend(self.bad.iter().map(|(cause, count)| {
            let counter = Counter::with_cause("events_dropped", cause);
            counter.add(*count);
            counter.read()
        }));
        readings
    }
}
