use std::time::Duration;

use pubsub_api::Result;
use pubsub_api::settings::Settings;

use crate::DatabaseSettings;

/// How [`Northbound`](crate::Northbound) publishes.
///
/// ```
/// use northbound::{NorthboundOptions, OnUnpublished};
///
/// let options = NorthboundOptions { on_unpublished: OnUnpublished::Leave, ..NorthboundOptions::default() };
/// assert!(!options.selective, "all events are published on `D`");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NorthboundOptions {
    /// What to do with a write whose event could not be published.
    pub on_unpublished: OnUnpublished,
    /// Time within which the publisher must confirm an event, or accept it if it does not confirm. After that the event is in
    /// doubt. It must be longer than the publisher's own `send_timeout`; otherwise a full outbox looks like doubt.
    pub confirm_within: Duration,
    /// Whether events are published on the topic of their object (selective topology distribution) instead of all on `D`.
    /// Objects without a topic stay on `D`.
    pub selective: bool,
}

/// What to do with a write whose event could not be published.
///
/// In both cases the caller receives an error. Its kind is that of the publisher if the write was undone and no subscriber
/// was left with its event; otherwise it is [`InDoubt`](pubsub_api::ErrorKind::InDoubt).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnpublished {
    /// Restores the row, if it still has the written value, and the call fails (docs/dragonflow.md#redis).
    Undo,
    /// Keeps the row; the call fails too, and a table monitor will find and publish the change.
    Leave,
}

impl NorthboundOptions {
    /// The defaults, and `enable_selective_topology_distribution` from the settings.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](pubsub_api::ErrorKind::Internal) if the settings were loaded without [`DatabaseSettings`].
    pub fn of(settings: &Settings) -> Result<Self> {
        let selective = DatabaseSettings::read(settings)?.enable_selective_topology_distribution;
        Ok(Self { selective, ..Self::default() })
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
