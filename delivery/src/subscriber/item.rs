use pubsub_api::{Envelope, Notice};

use super::{DeliveryMode, PublisherClock, Snapshot};

/// What a subscriber is given, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An event.
    Event {
        /// As it came; its map was checked.
        envelope: Envelope,
        /// How it came.
        mode: DeliveryMode,
    },
    /// All rows of one topic that a publisher knows, deletes that are not long ago included.
    Snapshot(Snapshot),
    /// Something about the stream, at its place in it.
    Notice(Notice),
    /// What the clock of a publisher shows now, as it begins to answer: the age of what it replays, and of the rows of its
    /// snapshots, is the difference to their stamps.
    Clock(PublisherClock),
}
