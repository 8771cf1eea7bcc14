use pubsub_api::Topic;

use crate::Position;

/// How far a subscriber is on one topic of one publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPosition {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// The topic.
    pub topic: Topic,
    /// What was given to the application last.
    pub position: Position,
}
