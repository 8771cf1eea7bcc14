use std::time::Instant;

use pubsub_api::wire::WireError;
use pubsub_api::{Counter, CounterReading, Tally};

/// What a subscriber counts.
#[derive(Debug)]
pub(super) struct Counters {
    /// Events put into the queue.
    pub(super) received: Counter,
    /// Connections that ended.
    pub(super) links_lost: Counter,
    /// Connections made.
    pub(super) connected: Counter,
    /// Subscriptions that a server refused, each time.
    pub(super) refused: Counter,
    /// Times that reading stopped since the application did not read.
    pub(super) held_back: Counter,
    dropped: Tally,
}

impl Counters {
    pub(super) const fn new() -> Self {
        Self {
            received: Counter::new("events_received"),
            links_lost: Counter::new("links_lost"),
            connected: Counter::new("redis_connections_made"),
            refused: Counter::new("subscriptions_refused"),
            held_back: Counter::new("reading_held_back"),
            dropped: Tally::new("frames_dropped"),
        }
    }

    /// Counts what is dropped, and tells it at a limited rate.
    pub(super) fn dropped(&self, why: WireError) {
        if let Some(times) = self.dropped.count(why.cause(), Instant::now()) {
            tracing::warn!(cause = why.cause(), times, "dropped what came: {why}");
        }
    }

    /// Counts a list of nodes that an old peer tells its own.
    pub(super) fn node_list(&self) {
        if let Some(times) = self.dropped.count("node_list", Instant::now()) {
            tracing::debug!(times, "dropped a list of nodes, which is no event");
        }
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let all = [&self.received, &self.links_lost, &self.connected, &self.refused, &self.held_back];
        let mut all: Vec<_> = all.into_iter().map(Counter::read).collect();
        all.extend(self.dropped.read());
        all
    }
}
