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
    /// What the clock of a publisher shows now, as it begins to answer: the age of what it replays, and of the rows of its
    /// snapshots, is the difference to their stamps.
    Clock(PublisherClock),
}

/// A reading of a publisher's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublisherClock {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// Microseconds since 1970, by its wall clock.
    pub time_us: u64,
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
    /// The epochs of the publisher that the snapshot speaks for. Epochs are clock readings of different lives, so one that is
    /// not among these may be earlier or later; the snapshot knows nothing of its rows.
    pub epochs: Vec<u64>,
    /// Whether a row whose latest event is of this publisher and one of `epochs`, and that is not among `rows`, is gone. Not
    /// while two publishers claim the id.
    pub is_complete: bool,
}
