use pubsub_api::{CauseCounter, Counter, CounterReading};

/// What all links of a subscriber count together.
#[derive(Debug)]
pub(crate) struct LinkCounters {
    pub(crate) received: Counter,
    pub(crate) missed: Counter,
    pub(crate) links_lost: Counter,
    pub(crate) dropped: CauseCounter,
    /// Connections to an incompatible peer.
    pub(crate) refused: CauseCounter,
}

impl Default for LinkCounters {
    fn default() -> Self {
        Self {
            received: Counter::new("events_received"),
            missed: Counter::new("events_missed"),
            links_lost: Counter::new("links_lost"),
            dropped: CauseCounter::new("frames_dropped"),
            refused: CauseCounter::new("peers_refused"),
        }
    }
}

impl LinkCounters {
    /// The counters of replies.
    pub(crate) fn of_replies() -> Self {
        Self {
            received: Counter::new("replies_received"),
            dropped: CauseCounter::new("replies_dropped"),
            ..Self::default()
        }
    }

    pub(crate) fn read(&self) -> Vec<CounterReading> {
        let mut readings = vec![self.received.read(), self.missed.read(), self.links_lost.read()];
        readings.extend(self.dropped.read());
        readings.extend(self.refused.read());
        readings
    }
}
