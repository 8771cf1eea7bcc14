use pubsub_api::{Envelope, Notice};

use super::{DeliveryMode, PublisherClock, Snapshot};

/// What a subscriber receives, in order.
///
/// An application that keeps rows applies events and snapshots to its table in this order, and compares with the
/// database at a [`Resync`](pubsub_api::Notice::Resync). The crate `table` does the first part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An event.
    Event {
        /// As received; its map was checked.
        envelope: Envelope,
        /// How the event arrived.
        mode: DeliveryMode,
    },
    /// All rows of one topic that a publisher knows, including recent deletes.
    Snapshot(Snapshot),
    /// A notice about the stream, at its place in it.
    Notice(Notice),
    /// The publisher's clock at the beginning of a reply: the age of replayed events and of the rows of snapshots is the
    /// difference to their stamps.
    Clock(PublisherClock),
}
