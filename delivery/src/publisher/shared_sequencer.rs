use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::sequencer::{Now, Sequencer};
use super::wall_clock::wall_us;

/// The sequencer of a running publisher, which its tasks share, with the clock that it is given.
#[derive(Debug)]
pub(super) struct SharedSequencer {
    sequencer: Mutex<Sequencer>,
    started: Instant,
}

impl SharedSequencer {
    /// Of a publisher that starts now.
    pub(super) fn new(sequencer: Sequencer) -> Self {
        Self { sequencer: Mutex::new(sequencer), started: Instant::now() }
    }

    /// It is locked for as long as a record takes to write, and never while something is waited for.
    pub(super) fn lock(&self) -> MutexGuard<'_, Sequencer> {
        self.sequencer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time, as numbering wants it.
    pub(super) fn now(&self) -> Now {
        Now { wall_us: wall_us(), since_start: self.started.elapsed() }
    }

    /// When a time since the start will be.
    pub(super) fn instant(&self, since_start: Duration) -> Instant {
        self.started + since_start
    }
}
