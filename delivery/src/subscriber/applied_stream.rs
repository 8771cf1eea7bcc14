use crate::SyncItem;

/// How far the application is on the topics of one publisher that takes [reports](crate::AppliedReport).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedStream {
    /// The publisher's endpoint, as registered.
    pub endpoint: String,
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// The state of the stream, as in the status: `live`, `recovering`, `proving`, `stale`, `overfull` or `suspended`.
    pub state: &'static str,
    /// The position on each topic, after all items that were yielded.
    pub positions: Vec<SyncItem>,
}
