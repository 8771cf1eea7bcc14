use pubsub_api::{Envelope, Topic};

/// The latest event of every row that a publisher knows on one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// The topic.
    pub topic: Topic,
    /// The latest events, each with its original stamp.
    pub rows: Vec<Envelope>,
    /// The epochs of the publisher that the snapshot covers. Epochs are clock readings, so an epoch that is not listed may be
    /// earlier or later; the snapshot knows nothing of its rows.
    pub epochs: Vec<u64>,
    /// Whether rows of this publisher and one of `epochs` that are not among `rows` are deleted. It is false while two
    /// publishers claim the id.
    pub is_complete: bool,
}
