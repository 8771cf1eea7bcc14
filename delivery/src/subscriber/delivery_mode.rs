/// How an event reached a subscriber.
///
/// A program that measures the age of events leaves out those that were requested: they may be older by any amount.
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
    ///
    /// ```
    /// use delivery::subscriber::DeliveryMode;
    ///
    /// assert_eq!(DeliveryMode::Live.name(), None);
    /// assert_eq!(DeliveryMode::Replay.name(), Some("replay"));
    /// ```
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
