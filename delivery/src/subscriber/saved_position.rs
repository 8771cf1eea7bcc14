use pubsub_api::Topic;

use crate::Position;

/// The position of a subscriber on one topic of one publisher.
///
/// It must be saved together with the rows, as of the same instant: from a position that the rows have not reached, the
/// events in between would be missing without notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPosition {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// The topic; `$hello` for the last hello of the publisher.
    pub topic: Topic,
    /// The position of the last event that the application received.
    pub position: Position,
}
