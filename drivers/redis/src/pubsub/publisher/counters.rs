use std::time::Instant;

use pubsub_api::{CauseCounter, Counter, CounterReading, Error};

/// The counters of a publisher.
#[derive(Debug)]
pub(super) struct Counters {
    /// Events that a node has accepted.
    pub(super) sent: Counter,
    /// Connections made.
    pub(super) connected: Counter,
    /// Windows sent on another connection because the first was lost.
    pub(super) retried: Counter,
    refused: CauseCounter,
}

impl Counters {
    pub(super) const fn new() -> Self {
        Self {
            sent: Counter::new("events_sent"),
            connected: Counter::new("redis_connections_made"),
            retried: Counter::new("redis_retries"),
            refused: CauseCounter::new("events_refused"),
        }
    }

    /// Counts an error that a caller receives, and logs it at a limited rate.
    pub(super) fn refused(&self, error: Error) -> Error {
        if let Some(times) = self.refused.count(error.kind().as_str(), Instant::now()) {
            tracing::error!(id = "SK0902", times, "cannot send events: {error}");
        }
        error
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let mut all = vec![self.sent.read(), self.connected.read(), self.retried.read()];
        all.extend(self.refused.read());
        all
    }
}
