use pubsub_api::{HELLO, Subscription, Subscriptions};

use crate::DatedEvent;
use delivery::subscriber::{SavedLink, SavedPosition};

/// A table and the positions that belong to it, all of one instant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SavedState {
    /// What was subscribed, each as `topic D` or `pattern tenant-*`.
    pub subscriptions: Vec<String>,
    /// How far the table is.
    pub positions: Vec<SavedPosition>,
    /// Which publishers the endpoints led to.
    pub links: Vec<SavedLink>,
    /// The latest event of each row, deletes that are remembered among them.
    pub rows: Vec<DatedEvent>,
    /// The table and key of each row that handlers were not done with.
    pub unhandled: Vec<(String, String)>,
}

impl SavedState {
    /// How a subscription is written down.
    #[must_use]
    pub fn describe(subscription: &Subscription) -> String {
        match subscription {
            Subscription::Topic(topic) => format!("topic {topic}"),
            Subscription::Pattern(pattern) => format!("pattern {pattern}"),
        }
    }

    /// Without the positions of topics that are no longer wanted: nothing keeps them current. All rows stay, for handlers have
    /// been given them: if their topic is wanted again, its publisher has no position to go on from, and what it replays or
    /// has in its snapshot is compared with them, so that a row that was deleted meanwhile is deleted here.
    #[must_use]
    pub fn narrowed(mut self, wanted: &Subscriptions) -> Self {
        self.positions.retain(|saved| saved.topic == HELLO || wanted.wants(&saved.topic));
        self
    }
}
