use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// The connections whose handshake is not complete, oldest first: one too many ends the oldest.
#[derive(Debug)]
pub(super) struct Handshakes {
    pending: Mutex<VecDeque<(u64, AbortHandle)>>,
    bound: usize,
}

impl Handshakes {
    pub(super) fn new(bound: usize) -> Self {
        Self { pending: Mutex::default(), bound }
    }

    /// One more, begun by `spawn`, which cannot be over before it is noted; whether the oldest was ended for it.
    pub(super) fn begin(&self, peer: u64, spawn: impl FnOnce() -> AbortHandle) -> bool {
        let mut pending = self.pending();
        let ended = if pending.len() >= self.bound { pending.pop_front() } else { None };
        pending.push_back((peer, spawn()));
        drop(pending);
        ended.inspect(|(_, task)| task.abort()).is_some()
    }

    /// It is complete, or over; `false` if it was ended for another, or is no longer here.
    pub(super) fn end(&self, peer: u64) -> bool {
        let mut pending = self.pending();
        let before = pending.len();
        pending.retain(|(other, _)| *other != peer);
        pending.len() < before
    }

    fn pending(&self) -> MutexGuard<'_, VecDeque<(u64, AbortHandle)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
