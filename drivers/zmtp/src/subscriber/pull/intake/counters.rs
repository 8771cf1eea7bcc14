use pubsub_api::{Counter, CounterReading, Tally};

/// What an intake counts.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) received: Counter,
    pub(super) accepted: Counter,
    pub(super) left: Counter,
    pub(super) rebound: Counter,
    pub(super) dropped: Tally,
    pub(super) refused: Tally,
    pub(super) paused: Tally,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            received: Counter::new("events_received"),
            accepted: Counter::new("peers_accepted"),
            left: Counter::new("peers_left"),
            rebound: Counter::new("socket_rebound"),
            dropped: Tally::new("frames_dropped"),
            refused: Tally::new("peers_refused"),
            paused: Tally::new("accepts_paused"),
        }
    }
}

impl Counters {
    pub(super) fn read(&self) -> Vec<CounterReading> {
        let mut all = vec![self.received.read(), self.accepted.read(), self.left.read(), self.rebound.read()];
        for tally in [&self.dropped, &self.refused, &self.paused] {
            all.extend(tally.read());
        }
        all
    }
}
