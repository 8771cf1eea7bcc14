use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The counters of the whole swarm.
#[derive(Debug)]
pub(super) struct Tallies {
    pub(super) events: AtomicU64,
    pub(super) replayed: AtomicU64,
    pub(super) snapshots: AtomicU64,
    pub(super) snapshot_rows: AtomicU64,
    pub(super) gaps: AtomicU64,
    pub(super) resyncs: AtomicU64,
    /// The number of live subscribers.
    pub(super) live: AtomicU64,
    started: Instant,
    ended: Mutex<Ended>,
}

/// The results of the subscribers.
#[derive(Debug, Default)]
struct Ended {
    /// The number of subscribers for each hash of the final table.
    tables: HashMap<u64, u64>,
    /// The times for which a subscriber was not live.
    away: Vec<Duration>,
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            events: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            snapshots: AtomicU64::new(0),
            snapshot_rows: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            resyncs: AtomicU64::new(0),
            live: AtomicU64::new(0),
            started: Instant::now(),
            ended: Mutex::default(),
        }
    }
}

impl Tallies {
    fn ended(&self) -> MutexGuard<'_, Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a subscriber is live again after `time`.
    pub(super) fn was_away(&self, time: Duration) {
        self.ended().away.push(time);
    }

    /// Records the hash of a subscriber's final table.
    pub(super) fn ended_with(&self, table: u64) {
        *self.ended().tables.entry(table).or_default() += 1;
    }

    /// The current state, for one line.
    pub(super) fn state(&self, agents: usize) -> Value {
        json!({ "agents": agents, "live": self.live.load(Ordering::Relaxed) })
    }

    /// All counters, for the last line.
    pub(super) fn summary(&self, agents: usize) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut ended = self.ended();
        ended.away.sort_unstable();
        let millis =
            |at: usize| ended.away.get(at).map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let count = ended.away.len();
        json!({
            "swarm": {
                "agents": agents,
                "live": read(&self.live),
                "seconds": self.started.elapsed().as_secs(),
                "events": read(&self.events),
                "replayed": read(&self.replayed),
                "snapshots": read(&self.snapshots),
                "snapshot_rows": read(&self.snapshot_rows),
                "gaps": read(&self.gaps),
                "resyncs": read(&self.resyncs),
                "returns": count,
                "away_ms_p50": millis(count / 2),
                "away_ms_max": millis(count.saturating_sub(1)),
                "different_tables": ended.tables.len(),
            }
        })
    }
}
