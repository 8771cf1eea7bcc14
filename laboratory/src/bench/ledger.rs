use bench_kit::LatencyHistogram;
use pubsub_api::Result;

/// The events that one subscriber has received: checks that each arrives once and in order, and records latencies.
#[derive(Debug)]
pub(super) struct Ledger {
    next: u64,
    /// The first index whose latency is recorded.
    latency_from: u64,
    faults: Faults,
    latencies: LatencyHistogram,
}

/// The faults; all are 0 in a valid run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Faults {
    /// Indices that did not arrive in order.
    pub(super) missing: u64,
    /// Events that arrived twice, or after a later one.
    pub(super) out_of_place: u64,
    /// Events that could not be decoded, or are not from this bench.
    pub(super) unreadable: u64,
}

impl Faults {
    pub(super) fn add(&mut self, other: Self) {
        self.missing += other.missing;
        self.out_of_place += other.out_of_place;
        self.unreadable += other.unreadable;
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Ledger {
    /// No events yet; latencies are recorded from index `latency_from` on.
    pub(super) fn new(latency_from: u64) -> Result<Self> {
        Ok(Self { next: 0, latency_from, faults: Faults::default(), latencies: LatencyHistogram::new()? })
    }

    /// Records an event. The clock is read only if the latency is recorded.
    pub(super) fn take(&mut self, index: u64, sent_ns: u64, now_ns: impl FnOnce() -> u64) {
        if index < self.next {
            self.faults.out_of_place += 1;
            return;
        }
        self.faults.missing += index - self.next;
        self.next = index + 1;
        if index >= self.latency_from {
            self.latencies.record_ns(now_ns().saturating_sub(sent_ns));
        }
    }

    pub(super) fn unreadable(&mut self) {
        self.faults.unreadable += 1;
    }

    /// The index after the last received one.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The faults, if `sent` events were sent.
    pub(super) fn faults(&self, sent: u64) -> Faults {
        Faults { missing: self.faults.missing + sent.saturating_sub(self.next), ..self.faults }
    }

    pub(super) fn latencies(&self) -> &LatencyHistogram {
        &self.latencies
    }
}

#[cfg(test)]
mod tests {
    use super::{Faults, Ledger};

    fn after(indices: &[u64]) -> Ledger {
        let mut ledger = Ledger::new(2).unwrap();
        for index in indices {
            ledger.take(*index, 100, || 350);
        }
        ledger
    }

    #[test]
    fn every_event_once_and_in_order_is_without_fault() {
        let ledger = after(&[0, 1, 2, 3]);
        assert!(ledger.faults(4).is_empty());
        assert_eq!(
            (ledger.latencies().count(), ledger.latencies().max_ns()),
            (2, 250),
            "only from index 2 on"
        );
    }

    #[test]
    fn gaps_repeats_and_a_missing_end_are_counted() {
        for (indices, sent, missing, out_of_place) in [
            (&[0, 2, 3][..], 4, 1, 0),
            (&[0, 1, 1, 2], 3, 0, 1),
            (&[0, 2, 1], 3, 1, 1),
            (&[0, 1], 5, 3, 0),
            (&[], 2, 2, 0),
        ] {
            let wanted = Faults { missing, out_of_place, unreadable: 0 };
            assert_eq!(after(indices).faults(sent), wanted, "{indices:?}");
        }
    }
}
