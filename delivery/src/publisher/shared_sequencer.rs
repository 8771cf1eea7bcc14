use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::sequencer::{Now, Sequencer};
use crate::wall_clock::wall_us;

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

    /// The lock is held while a record is written, and never across a wait.
    pub(super) fn lock(&self) -> MutexGuard<'_, Sequencer> {
        self.sequencer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current time, as input for numbering.
    pub(super) fn now(&self) -> Now {
        Now { wall_us: wall_us(), since_start: self.started.elapsed() }
    }

    /// Converts a time since the start.
    pub(super) fn instant(&self, since_start: Duration) -> Instant {
        self.started + since_start
    }
}
