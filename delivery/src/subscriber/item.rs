use pubsub_api::{Envelope, Notice, Topic};

/// What a subscriber is given, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An event.
    Event {
        /// As it came; its map was checked.
        envelope: Envelope,
        /// How it came.
        origin: Origin,
    },
    /// All rows of one topic that a publisher knows, deletes that are not long ago included.
    Snapshot(Snapshot),
    /// Something about the stream, at its place in it.
    Notice(Notice),
}

/// How an event came to a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// In the stream, numbered, as the next one.
    Live,
    /// In the stream of a publisher that does not number: what is missing cannot be noticed.
    Unverified,
    /// Asked for, and given again from the publisher's ring.
    Replay,
    /// Found out by comparing with a snapshot.
    Snapshot,
    /// Found out by comparing with the database.
    Sync,
}

impl Origin {
    /// The name in lines of JSON; `None` for what came in the stream.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Live | Self::Unverified => None,
            Self::Replay => Some("replay"),
            Self::Snapshot => Some("snapshot"),
            Self::Sync => Some("sync"),
        }
    }
}

/// The latest event of every row that a publisher has told of on one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// The topic.
    pub topic: Topic,
    /// The latest events, each with the stamp that it had.
    pub rows: Vec<Envelope>,
    /// The epoch in which the publisher's numbers began: rows of older stamps are not told of here.
    pub since: u64,
    /// Whether a row whose latest event is of this publisher, of epoch `since` or later, and that is not among these, is gone.
    /// Not while two publishers claim the id.
    pub is_complete: bool,
}
