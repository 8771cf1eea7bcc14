use std::time::Duration;

use pubsub_api::settings::Settings;

/// How [`Northbound`](crate::Northbound) publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NorthboundOptions {
    /// What becomes of a write whose event could not be published.
    pub on_unpublished: OnUnpublished,
    /// How long an event may take until its publisher has confirmed it, or has accepted it where it confirms nothing. Then
    /// it is in doubt. Longer than the publisher's own `send_timeout`, else a full outbox is taken for that.
    pub confirm_within: Duration,
    /// Whether events go out on the topic of their object (selective topology distribution), and not all on `D`. Objects
    /// without a topic stay on `D`.
    pub selective: bool,
}

/// What becomes of a write whose event could not be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnpublished {
    /// The row gets back what it held, if it still holds what was written, and the call fails: the seed's rule.
    Undo,
    /// It stays, and the call fails no less: a table monitor will find it and publish it.
    Leave,
}

impl NorthboundOptions {
    /// The defaults, with what the settings say: `enable_selective_topology_distribution`.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self { selective: settings.pubsub().enable_selective_topology_distribution, ..Self::default() }
    }
}

impl Default for NorthboundOptions {
    /// Undo, after 10 s, all on `D`.
    fn default() -> Self {
        Self {
            on_unpublished: OnUnpublished::Undo,
            confirm_within: Duration::from_secs(10),
            selective: false,
        }
    }
}
