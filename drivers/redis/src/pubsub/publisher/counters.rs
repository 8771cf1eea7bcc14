use std::time::Instant;

use pubsub_api::{Counter, CounterReading, Error, ErrorKind, Tally};

/// What a publisher counts.
#[derive(Debug)]
pub(super) struct Counters {
    /// Events that a node has taken.
    pub(super) sent: Counter,
    /// Connections made.
    pub(super) connected: Counter,
    /// Windows given to another connection, since the first was lost.
    pub(super) tried_again: Counter,
    refused: Tally,
}

impl Counters {
    pub(super) const fn new() -> Self {
        Self {
            sent: Counter::new("events_sent"),
            connected: Counter::new("redis_connections_made"),
            tried_again: Counter::new("redis_retries"),
            refused: Tally::new("events_refused"),
        }
    }

    /// Counts what a caller is told, and tells the log at a limited rate.
    pub(super) fn refused(&self, error: Error) -> Error {
        let cause = match error.kind() {
            ErrorKind::Overloaded => "overloaded",
            ErrorKind::InDoubt => "in_doubt",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Settings => "settings",
            _ => "refused",
        };
        if let Some(times) = self.refused.count(cause, Instant::now()) {
            tracing::error!(times, "refusing events: {error}");
        }
        error
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let mut all = vec![self.sent.read(), self.connected.read(), self.tried_again.read()];
        all.extend(self.refused.read());
        all
    }
}
