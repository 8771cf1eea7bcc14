use pubsub_api::{CauseCounter, Counter, CounterReading, RefusalJournal, RefusalReading};

/// What an intake counts.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) received: Counter,
    pub(super) accepted: Counter,
    pub(super) left: Counter,
    pub(super) rebound: Counter,
    pub(super) dropped: CauseCounter,
    pub(super) refused: RefusalJournal,
    pub(super) publications_refused: RefusalJournal,
    pub(super) paused: CauseCounter,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            received: Counter::new("events_received"),
            accepted: Counter::new("peers_accepted"),
            left: Counter::new("peers_left"),
            rebound: Counter::new("socket_rebound"),
            dropped: CauseCounter::new("frames_dropped"),
            refused: RefusalJournal::new("peers_refused"),
            publications_refused: RefusalJournal::new("publications_refused"),
            paused: CauseCounter::new("accepts_paused"),
        }
    }
}

impl Counters {
    pub(super) fn read(&self) -> Vec<CounterReading> {
        let mut all = vec![self.received.read(), self.accepted.read(), self.left.read(), self.rebound.read()];
        all.extend(self.refused.counters());
        all.extend(self.publications_refused.counters());
        for tally in [&self.dropped, &self.paused] {
            all.extend(tally.read());
        }
        all
    }

    /// Who was refused, and what.
    pub(super) fn refusals(&self) -> Vec<RefusalReading> {
        let mut all = self.refused.read();
        all.extend(self.publications_refused.read());
        all
    }
}
