use std::sync::atomic::{AtomicU64, Ordering};

use pubsub_api::{Counter, CounterReading, Tally};

/// What a fan-out counts.
#[derive(Debug)]
pub(super) struct Readings {
    pub(super) accepted: Counter,
    pub(super) left: Counter,
    pub(super) refused: Tally,
    pub(super) dropped: Counter,
    pub(super) told: Tally,
    pub(super) paused: Tally,
    pub(super) requests: Counter,
    /// Bytes written to all connections together: whether anything moves.
    written: AtomicU64,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            accepted: Counter::new("peers_accepted"),
            left: Counter::new("peers_left"),
            refused: Tally::new("peers_refused"),
            dropped: Counter::with_cause("events_dropped", "slow_subscriber"),
            told: Tally::new("slow_subscribers"),
            paused: Tally::new("accepts_paused"),
            requests: Counter::with_cause("frames_dropped", "request"),
            written: AtomicU64::new(0),
        }
    }
}

impl Readings {
    pub(super) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let mut all = vec![self.accepted.read(), self.left.read(), self.dropped.read(), self.requests.read()];
        for tally in [&self.refused, &self.told, &self.paused] {
            all.extend(tally.read());
        }
        let value = self.written();
        all.push(CounterReading { name: "bytes_written".to_owned(), cause: None, value });
        all
    }
}
