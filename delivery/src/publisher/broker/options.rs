use std::time::Duration;

use pubsub_api::settings::Settings;

/// How long a publisher on a broker waits, and how much it remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerOptions {
    /// How long `close` waits until what was accepted for sending, and the last word on each topic, are out.
    pub linger: Duration,
    /// How long `send` waits for room among the events that wait.
    pub send_timeout: Duration,
    /// How many topics are numbered at the same time; the topic that was idle longest is retired with a `bye` for a new one.
    pub max_topics: usize,
}

impl BrokerOptions {
    /// As many topics as subscribers track of one publisher.
    pub const MAX_TOPICS: usize = 65_536;

    /// As the settings say: `linger` and `send_timeout`.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let pubsub = settings.pubsub();
        Self { linger: pubsub.linger, send_timeout: pubsub.send_timeout, max_topics: Self::MAX_TOPICS }
    }
}
