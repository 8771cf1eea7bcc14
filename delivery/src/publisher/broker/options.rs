use std::time::Duration;

use pubsub_api::settings::Settings;

/// The time limits and bounds of a publisher on a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerOptions {
    /// How long `close` waits until the waiting events, and the `bye` of each topic, are sent.
    pub linger: Duration,
    /// How long `send` waits for room in the outbox, before it fails as
    /// [`Overloaded`](pubsub_api::ErrorKind::Overloaded).
    pub send_timeout: Duration,
    /// How many topics are numbered at the same time; the topic that was idle longest is retired with a `bye` for a new one.
    pub max_topics: usize,
}

impl BrokerOptions {
    /// The number of topics that subscribers track of one publisher.
    pub const MAX_TOPICS: usize = 65_536;

    /// From the settings `linger` and `send_timeout`.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let pubsub = settings.pubsub();
        Self { linger: pubsub.linger, send_timeout: pubsub.send_timeout, max_topics: Self::MAX_TOPICS }
    }
}
