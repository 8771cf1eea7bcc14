use pubsub_api::wire::RowRef;
use pubsub_api::{Stamp, Topic};

use super::{SnapshotCache, write_name};

/// The latest event of a row on one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LatestEvent {
    pub(crate) topic: Topic,
    pub(crate) stamp: Stamp,
    pub(crate) action: String,
}

impl SnapshotCache {
    /// The latest event of a row on each topic with snapshots, by topic.
    pub(crate) fn latest_of(&self, table: &[u8], key: &[u8]) -> Vec<LatestEvent> {
        let mut name = Vec::new();
        if !write_name(table, key, &mut name) {
            return Vec::new();
        }
        let rows = self.topics.iter().filter_map(|(topic, rows)| Some((topic, rows.rows.get(&*name)?)));
        let events = rows.filter_map(|(topic, row)| {
            let payload = row.payload.share();
            let event = RowRef::find(&payload)?;
            let action = String::from_utf8_lossy(event.action).into_owned();
            Some(LatestEvent { topic: Topic::new(topic.to_vec()).ok()?, stamp: event.stamp?, action })
        });
        let mut events: Vec<LatestEvent> = events.collect();
        events.sort_by(|one, other| one.topic.cmp(&other.topic));
        events
    }
}
