use pubsub_api::{Counter, CounterReading, Error, ErrorKind};

/// The counters of all commands.
#[derive(Debug)]
pub(super) struct Counters {
    /// Commands sent, including repetitions.
    pub(super) commands: Counter,
    /// Commands sent again because they were not done.
    pub(super) retries: Counter,
    /// Commands sent to another node because it serves the slot from now on.
    pub(super) moved: Counter,
    /// Commands sent to another node once, because the slot is moving there.
    pub(super) asked: Counter,
    /// Connections made.
    pub(super) connected: Counter,
    /// Times that the cluster was asked for its slots.
    pub(super) refreshed: Counter,
    /// Keys that watched masters evicted.
    pub(super) evicted: Counter,
    in_doubt: Counter,
    unavailable: Counter,
    refused: Counter,
}

impl Counters {
    pub(super) const fn new() -> Self {
        Self {
            commands: Counter::new("redis_commands"),
            retries: Counter::new("redis_retries"),
            moved: Counter::with_cause("redis_redirects", "moved"),
            asked: Counter::with_cause("redis_redirects", "ask"),
            connected: Counter::new("redis_connections_made"),
            refreshed: Counter::new("redis_slot_refreshes"),
            evicted: Counter::new("redis_keys_evicted"),
            in_doubt: Counter::with_cause("redis_failures", "in_doubt"),
            unavailable: Counter::with_cause("redis_failures", "unavailable"),
            refused: Counter::with_cause("redis_failures", "refused"),
        }
    }

    /// Counts an error that a caller receives.
    pub(super) fn failed(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::InDoubt => self.in_doubt.add(1),
            ErrorKind::Unavailable => self.unavailable.add(1),
            _ => self.refused.add(1),
        }
        error
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let all = [
            &self.commands,
            &self.retries,
            &self.moved,
            &self.asked,
            &self.connected,
            &self.refreshed,
            &self.evicted,
            &self.in_doubt,
            &self.unavailable,
            &self.refused,
        ];
        all.into_iter().map(Counter::read).collect()
    }
}
