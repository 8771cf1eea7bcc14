use pubsub_api::{HELLO, Subscription, Subscriptions};

use crate::DatedEvent;
use delivery::subscriber::{SavedLink, SavedPosition};

/// A table and its positions, all of one instant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SavedState {
    /// The subscriptions, each as `topic D` or `pattern tenant-*`.
    pub subscriptions: Vec<String>,
    /// The positions that the table has reached.
    pub positions: Vec<SavedPosition>,
    /// The publishers to which the endpoints led.
    pub links: Vec<SavedLink>,
    /// The latest event of each row, including remembered deletes.
    pub rows: Vec<DatedEvent>,
    /// The table and key of each row that the handlers had not finished.
    pub unhandled: Vec<(String, String)>,
}

impl SavedState {
    /// Returns the text form of a subscription.
    #[must_use]
    pub fn describe(subscription: &Subscription) -> String {
        match subscription {
            Subscription::Topic(topic) => format!("topic {topic}"),
            Subscription::Pattern(pattern) => format!("pattern {pattern}"),
        }
    }

    /// Removes the positions of topics that are no longer wanted: nothing keeps them current. All rows stay, because
    /// handlers have received them: if their topic is wanted again, there is no position to continue from, so the
    /// publisher's replay or snapshot is compared with the rows, and a row that was deleted meanwhile is deleted here.
    #[must_use]
    pub fn narrowed(mut self, wanted: &Subscriptions) -> Self {
        self.positions.retain(|saved| saved.topic == HELLO || wanted.wants(&saved.topic));
        self
    }
}
