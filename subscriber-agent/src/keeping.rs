use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::{Counter, CounterReading, Error, ErrorKind, Result};
use table::saved::SavedState;
use tokio::task::{JoinHandle, spawn_blocking};

/// Keeps the agent's table, and how far it is, in a file: one writer at a time, off the agent's task.
#[derive(Debug)]
pub(crate) struct Keeping {
    path: PathBuf,
    interval: Duration,
    next: Instant,
    writing: Option<JoinHandle<Result<()>>>,
    fails: bool,
    counters: Arc<KeepingCounters>,
}

#[derive(Debug)]
pub(crate) struct KeepingCounters {
    kept: Counter,
    failed: Counter,
}

impl Default for KeepingCounters {
    fn default() -> Self {
        Self { kept: Counter::new("tables_kept"), failed: Counter::new("tables_not_kept") }
    }
}

impl KeepingCounters {
    pub(crate) fn read(&self) -> Vec<CounterReading> {
        vec![self.kept.read(), self.failed.read()]
    }
}

impl Keeping {
    pub(crate) fn new(path: &Path, interval: Duration, counters: &Arc<KeepingCounters>) -> Self {
        let next = Instant::now() + interval;
        let counters = Arc::clone(counters);
        Self { path: path.to_owned(), interval, next, writing: None, fails: false, counters }
    }

    /// What the last life of the agent has left. A file that cannot be used is told and moved aside: the agent then begins
    /// anew.
    pub(crate) async fn read(&self) -> Option<SavedState> {
        let path = self.path.clone();
        match outcome(spawn_blocking(move || SavedState::read(&path)).await) {
            Ok(state) => state,
            Err(error) => {
                tracing::warn!("the table that was kept is not used, the agent begins without: {error}");
                if error.kind() == ErrorKind::Invalid
                    && let Err(error) = SavedState::set_aside(&self.path)
                {
                    tracing::warn!("{error}");
                }
                None
            }
        }
    }

    /// When to ask whether it is time.
    pub(crate) fn due(&self) -> Instant {
        self.next
    }

    /// Whether it is time to keep the table; not while the last one is being written. It stays time until
    /// [`took_turn`](Self::took_turn).
    pub(crate) async fn is_due(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            self.took_turn(now);
            return false;
        }
        self.finish().await;
        true
    }

    /// The table was kept, or there is nothing to keep: the next time is an interval later.
    pub(crate) fn took_turn(&mut self, now: Instant) {
        self.next = now + self.interval;
    }

    /// Begins to write.
    pub(crate) fn begin(&mut self, state: SavedState) {
        let path = self.path.clone();
        self.writing = Some(spawn_blocking(move || state.write(&path)));
    }

    /// Waits until what was begun is written.
    pub(crate) async fn finish(&mut self) {
        let Some(writing) = self.writing.take() else { return };
        match outcome(writing.await) {
            Ok(()) => {
                self.counters.kept.add(1);
                if self.fails {
                    tracing::info!("the table is kept again in {}", self.path.display());
                }
                self.fails = false;
            }
            Err(error) => {
                self.counters.failed.add(1);
                if !self.fails {
                    tracing::warn!("a restart will begin without the table: {error}");
                }
                self.fails = true;
            }
        }
    }
}

fn outcome<T>(ended: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    ended.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "keeping the table failed").with_source(error))
    })
}
