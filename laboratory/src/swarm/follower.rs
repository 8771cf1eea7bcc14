use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use delivery::subscriber::{DeliveryMode, Item, TrackedSubscriber};
use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, Notice, Result};

use super::tallies::Tallies;

/// One subscriber of the swarm. To save memory it keeps only two hashes per row.
struct Follower {
    tallies: Arc<Tallies>,
    /// The hashes of name and value of each row.
    rows: HashMap<u64, u64>,
    is_live: bool,
    away_since: Option<Instant>,
}

/// Receives until the task is aborted.
pub(super) async fn follow(subscriber: TrackedSubscriber, tallies: Arc<Tallies>) -> Result<()> {
    let mut follower = Follower { tallies, rows: HashMap::new(), is_live: false, away_since: None };
    loop {
        follower.take(subscriber.recv().await?);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // A sum does not depend on the order of the rows.
        let table = self.rows.iter().fold(0_u64, |sum, row| sum.wrapping_add(hash(&row)));
        self.tallies.ended_with(table);
    }
}

impl Follower {
    fn take(&mut self, item: Item) {
        match item {
            Item::Event { envelope, mode } => {
                let counter =
                    if mode == DeliveryMode::Replay { &self.tallies.replayed } else { &self.tallies.events };
                counter.fetch_add(1, Ordering::Relaxed);
                self.apply(&envelope);
            }
            Item::Snapshot(snapshot) => {
                count(&self.tallies.snapshots);
                self.tallies.snapshot_rows.fetch_add(snapshot.rows.len() as u64, Ordering::Relaxed);
                // There is one publisher, and all its topics are followed from the start, so rows that are not in the snapshot
                // were deleted before.
                snapshot.rows.iter().for_each(|row| self.apply(row));
            }
            Item::Notice(notice) => self.notice(&notice),
            // There is one publisher, whose events are ordered by their sequence numbers.
            Item::Clock(_) => {}
        }
    }

    fn apply(&mut self, envelope: &Envelope) {
        let Ok(event) = EventRef::read(envelope.topic.as_bytes(), &envelope.payload) else { return };
        let name = hash(&(event.table, event.key));
        if event.action == "delete" {
            self.rows.remove(&name);
        } else {
            self.rows.insert(name, hash(&event.value));
        }
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Live { topic: None, .. } => {
                if !std::mem::replace(&mut self.is_live, true) {
                    count(&self.tallies.live);
                }
                if let Some(since) = self.away_since.take() {
                    self.tallies.was_away(since.elapsed());
                }
            }
            Notice::Stale { .. } => {
                self.away_since = Some(Instant::now());
                if std::mem::take(&mut self.is_live) {
                    self.tallies.live.fetch_sub(1, Ordering::Relaxed);
                }
            }
            Notice::Gap { .. } => count(&self.tallies.gaps),
            Notice::Resync { .. } => count(&self.tallies.resyncs),
            _ => {}
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
