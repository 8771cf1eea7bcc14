use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::Event;

/// The remembered deletes, oldest first; bounded in age, number and bytes.
///
/// A delete is remembered so that an older event of another publisher does not bring the row back. The delete of a row
/// that was set again may stay here until it expires.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tombstones {
    oldest_first: VecDeque<(Duration, Arc<Event>)>,
    bytes: usize,
}

/// How long a delete is remembered: as long as a subscriber remembers the topic of a silent publisher; after that, no
/// older event is replayed to the subscriber.
const KEPT: Duration = Duration::from_secs(600);

/// The maximum number of remembered deletes; above it, the oldest are forgotten.
pub(crate) const MOST: usize = 65_536;

/// The maximum total size of their names, in bytes: only a hostile peer with long names reaches it.
const MOST_BYTES: usize = 16 * 1024 * 1024;

impl Tombstones {
    pub(crate) fn add(&mut self, now: Duration, delete: &Arc<Event>) {
        self.bytes += bytes(delete);
        self.oldest_first.push_back((now, Arc::clone(delete)));
    }

    /// Returns the next delete to forget.
    pub(crate) fn expired(&mut self, now: Duration) -> Option<Arc<Event>> {
        let (since, _) = self.oldest_first.front()?;
        let is_old = now.saturating_sub(*since) > KEPT;
        if !is_old && self.oldest_first.len() <= MOST && self.bytes <= MOST_BYTES {
            return None;
        }
        let (_, delete) = self.oldest_first.pop_front()?;
        self.bytes -= bytes(&delete);
        Some(delete)
    }
}

fn bytes(delete: &Event) -> usize {
    let length = |name: &Option<String>| name.as_ref().map_or(0, String::len);
    length(&delete.table) + length(&delete.key)
}
