/// How an event came to a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryMode {
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

impl DeliveryMode {
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
