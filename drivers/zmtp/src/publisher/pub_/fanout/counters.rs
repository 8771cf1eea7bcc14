use std::sync::atomic::{AtomicU64, Ordering};

use pubsub_api::{CauseCounter, Counter, CounterReading, RefusalJournal, RefusalReading};

/// What a fan-out counts.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) accepted: Counter,
    pub(super) left: Counter,
    pub(super) refused: RefusalJournal,
    pub(super) subscriptions_refused: RefusalJournal,
    pub(super) dropped: Counter,
    pub(super) reported: CauseCounter,
    pub(super) paused: CauseCounter,
    pub(super) requests: Counter,
    pub(super) requests_dropped: CauseCounter,
    pub(super) answered: Counter,
    pub(super) answer_bytes: Counter,
    /// Messages of subscribers that are no subscriptions.
    pub(super) stepped_over: Counter,
    /// Bytes written to all connections but requesters: whether anything moves.
    written: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            accepted: Counter::new("peers_accepted"),
            left: Counter::new("peers_left"),
            refused: RefusalJournal::new("peers_refused"),
            subscriptions_refused: RefusalJournal::new("subscriptions_refused"),
            dropped: Counter::with_cause("events_dropped", "slow_subscriber"),
            reported: CauseCounter::new("slow_subscribers"),
            paused: CauseCounter::new("accepts_paused"),
            requests: Counter::new("requests_received"),
            requests_dropped: CauseCounter::new("requests_dropped"),
            answered: Counter::new("events_answered"),
            answer_bytes: Counter::new("answer_bytes_written"),
            stepped_over: Counter::with_cause("frames_dropped", "no_subscription"),
            written: AtomicU64::new(0),
        }
    }
}

impl Counters {
    pub(super) fn wrote(&self, bytes: usize, to_asker: bool) {
        match to_asker {
            true => self.answer_bytes.add(bytes as u64),
            false => drop(self.written.fetch_add(bytes as u64, Ordering::Relaxed)),
        }
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let counters = [
            &self.accepted,
            &self.left,
            &self.dropped,
            &self.stepped_over,
            &self.requests,
            &self.answered,
            &self.answer_bytes,
        ];
        let mut all: Vec<CounterReading> = counters.into_iter().map(Counter::read).collect();
        all.extend(self.refused.counters());
        all.extend(self.subscriptions_refused.counters());
        for tally in [&self.reported, &self.paused, &self.requests_dropped] {
            all.extend(tally.read());
        }
        let value = self.written();
        all.push(CounterReading { name: "bytes_written".to_owned(), cause: None, value });
        all
    }

    /// Who was refused lately, and why: peers, and their subscriptions.
    pub(super) fn refusals(&self) -> Vec<RefusalReading> {
        [&self.refused, &self.subscriptions_refused].iter().flat_map(|journal| journal.read()).collect()
    }
}
