use pubsub_api::{Envelope, Topic};

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
