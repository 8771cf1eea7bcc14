use std::collections::HashSet;
use std::sync::Arc;

use pubsub_api::{Event, Subscription, Subscriptions};

use crate::rows::DATABASE;
use crate::subscriber::{SavedLink, SavedPosition};

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
    pub rows: Vec<Arc<Event>>,
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

    /// What of it can be gone on from: positions of topics that are still wanted, and the rows that one of these positions
    /// vouches for. A row without a position may be out of date, and nobody would tell; one that was taken from the database
    /// stays if that will be looked at again (`compares`).
    #[must_use]
    pub fn narrowed(mut self, wanted: &Subscriptions, compares: bool) -> Self {
        self.positions.retain(|saved| wanted.wants(&saved.topic));
        let vouched: HashSet<_> =
            self.positions.iter().map(|saved| (saved.publisher, saved.topic.clone())).collect();
        let is_vouched_for = |row: &Arc<Event>| {
            row.stamp.is_some_and(|stamp| match stamp.publisher {
                DATABASE => compares && wanted.wants(&row.topic),
                publisher => vouched.contains(&(publisher, row.topic.clone())),
            })
        };
        self.rows.retain(is_vouched_for);
        self
    }
}
