use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::{Counter, CounterReading, Error, ErrorKind, Result};
use table::saved::SavedState;
use tokio::task::{JoinHandle, spawn_blocking};

/// Saves the agent's table and positions to a file, with one write at a time, in a blocking task.
#[derive(Debug)]
pub(crate) struct TableStore {
    path: PathBuf,
    interval: Duration,
    next: Instant,
    writing: Option<JoinHandle<Result<()>>>,
    is_failing: bool,
    counters: Arc<TableStoreCounters>,
}

#[derive(Debug)]
pub(crate) struct TableStoreCounters {
    saved: Counter,
    failed: Counter,
}

impl Default for TableStoreCounters {
    fn default() -> Self {
        Self { saved: Counter::new("tables_kept"), failed: Counter::new("tables_not_kept") }
    }
}

impl TableStoreCounters {
    pub(crate) fn read(&self) -> Vec<CounterReading> {
        vec![self.saved.read(), self.failed.read()]
    }
}

impl TableStore {
    pub(crate) fn new(path: &Path, interval: Duration, counters: &Arc<TableStoreCounters>) -> Self {
        let next = Instant::now() + interval;
        let counters = Arc::clone(counters);
        Self { path: path.to_owned(), interval, next, writing: None, is_failing: false, counters }
    }

    /// The state that the last run has saved. An invalid file is logged and moved aside, and the agent starts with an empty
    /// table.
    pub(crate) async fn read(&self) -> Option<SavedState> {
        let path = self.path.clone();
        match outcome(spawn_blocking(move || SavedState::read(&path)).await) {
            Ok(state) => state,
            Err(error) => {
                tracing::warn!(
                    id = "SK0608",
                    "ignoring the saved table, starting with an empty one: {error}"
                );
                if error.kind() == ErrorKind::Invalid
                    && let Err(error) = SavedState::set_aside(&self.path)
                {
                    tracing::warn!(id = "SK0608", "{error}");
                }
                None
            }
        }
    }

    /// The time of the next save.
    pub(crate) fn due(&self) -> Instant {
        self.next
    }

    /// Whether a save is due; `false` while the last save is still running. It stays due until
    /// [`schedule_next`](Self::schedule_next) is called.
    pub(crate) async fn is_due(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            self.schedule_next(now);
            return false;
        }
        self.finish().await;
        true
    }

    /// Schedules the next save one interval later.
    pub(crate) fn schedule_next(&mut self, now: Instant) {
        self.next = now + self.interval;
    }

    /// Starts to write.
    pub(crate) fn start_write(&mut self, state: SavedState) {
        let path = self.path.clone();
        self.writing = Some(spawn_blocking(move || state.write(&path)));
    }

    /// Waits until the running write has finished.
    pub(crate) async fn finish(&mut self) {
        let Some(writing) = self.writing.take() else { return };
        match outcome(writing.await) {
            Ok(()) => {
                self.counters.saved.add(1);
                if self.is_failing {
                    tracing::info!(id = "SK0610", "saving the table works again: {}", self.path.display());
                }
                self.is_failing = false;
            }
            Err(error) => {
                self.counters.failed.add(1);
                if !self.is_failing {
                    tracing::warn!(
                        id = "SK0609",
                        "cannot save the table to {}, retrying every {:?}; until then a restart does not find the latest \
                         rows: {error}",
                        self.path.display(),
                        self.interval
                    );
                }
                self.is_failing = true;
            }
        }
    }
}

fn outcome<T>(ended: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    ended.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the task that reads or saves the table panicked")
            .with_source(error))
    })
}
