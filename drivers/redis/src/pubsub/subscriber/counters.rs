use std::time::Instant;

use pubsub_api::wire::WireError;
use pubsub_api::{CauseCounter, Counter, CounterReading};

/// The counters of a subscriber.
#[derive(Debug)]
pub(super) struct Counters {
    /// Events put into the queue.
    pub(super) received: Counter,
    /// Connections that ended.
    pub(super) links_lost: Counter,
    /// Connections made.
    pub(super) connected: Counter,
    /// Refusals of subscriptions by the server.
    pub(super) refused: Counter,
    /// Times that reading stopped because the application did not read.
    pub(super) held_back: Counter,
    dropped: CauseCounter,
}

impl Counters {
    pub(super) const fn new() -> Self {
        Self {
            received: Counter::new("events_received"),
            links_lost: Counter::new("links_lost"),
            connected: Counter::new("redis_connections_made"),
            refused: Counter::new("subscriptions_refused"),
            held_back: Counter::new("reading_held_back"),
            dropped: CauseCounter::new("frames_dropped"),
        }
    }

    /// Counts a dropped event, and logs it at a limited rate.
    pub(super) fn dropped(&self, why: WireError) {
        if let Some(times) = self.dropped.count(why.cause(), Instant::now()) {
            tracing::warn!(id = "SK0513", cause = why.cause(), times, "dropped an invalid event: {why}");
        }
    }

    /// Counts a node list of Dragonflow's own driver.
    pub(super) fn node_list(&self) {
        if let Some(times) = self.dropped.count("node_list", Instant::now()) {
            tracing::debug!(times, "dropped a node list of Dragonflow's driver: it is not an event");
        }
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let all = [&self.received, &self.links_lost, &self.connected, &self.refused, &self.held_back];
        let mut all: Vec<_> = all.into_iter().map(Counter::read).collect();
        all.extend(self.dropped.read());
        all
    }
}
