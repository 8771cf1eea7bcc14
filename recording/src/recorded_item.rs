use delivery::subscriber::DeliveryMode;
use pubsub_api::Envelope;

/// What a subscriber received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedItem {
    /// An event; its map was checked.
    Event {
        /// As received.
        envelope: Envelope,
        /// How it arrived.
        mode: DeliveryMode,
    },
    /// A notice, as JSON.
    Notice(String),
}
