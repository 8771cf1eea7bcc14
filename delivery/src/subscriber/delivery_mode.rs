/// How an event reached a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryMode {
    /// In the stream, with the expected sequence.
    Live,
    /// In the stream of a publisher without sequences: missing events cannot be detected.
    Unverified,
    /// Requested, and repeated from the publisher's ring.
    Replay,
    /// Found by a comparison with a snapshot.
    Snapshot,
    /// Found by a comparison with the database.
    Sync,
}

impl DeliveryMode {
    /// The name in JSON lines; `None` for events of the stream.
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
