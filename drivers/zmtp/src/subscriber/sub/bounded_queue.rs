use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pubsub_api::{Error, Result};
use tokio::sync::Notify;
use tokio::task::coop::consume_budget;

/// A bounded queue between the links of a subscriber and its one reader. Its state defines what it holds and its bounds.
///
/// The wake-up rule: a reader that waits is woken when something is added. A link that waits for room is woken when half of the
/// queue is free, and not at each event, so that the two do not wake each other all the time. Closing wakes both.
///
/// The other queues of this crate differ in kind. The outbox of a worker lets `send` wait until a deadline, and keeps events
/// until they are acknowledged; the intake gives room to workers in the order in which they wait; the request queues never
/// wait, but refuse.
#[derive(Debug)]
pub(crate) struct BoundedQueue<S> {
    state: Mutex<S>,
    filled: Notify,
    emptied: Notify,
}

/// What a [`BoundedQueue`] holds.
pub(crate) trait QueueState {
    /// Whether half of it is free, or it is closed: nothing waits for room any more then.
    fn is_half_empty(&self) -> bool;

    /// Whether it accepts nothing more.
    fn is_closed(&self) -> bool;

    /// From now on it accepts nothing more.
    fn close(&mut self);
}

impl<S: QueueState> BoundedQueue<S> {
    /// A queue with this state, which is empty.
    pub(crate) fn new(state: S) -> Self {
        Self { state: Mutex::new(state), filled: Notify::new(), emptied: Notify::new() }
    }

    /// The state, to read it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Releases the state after a change, and wakes the reader if something was added.
    pub(crate) fn release(&self, state: MutexGuard<'_, S>, was_filled: bool) {
        drop(state);
        if was_filled {
            self.filled.notify_waiters();
        }
    }

    /// Returns when half of the queue is free. Cancel-safe.
    pub(crate) async fn room(&self) {
        loop {
            let mut emptied = pin!(self.emptied.notified());
            emptied.as_mut().enable();
            if self.lock().is_half_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Waits until `take` returns something. Cancel-safe.
    ///
    /// # Errors
    /// [`pubsub_api::ErrorKind::Closed`] when the queue is closed and `take` returns nothing more.
    pub(crate) async fn next<T>(&self, mut take: impl FnMut(&mut S) -> Option<T>) -> Result<T> {
        // A reader that never has to wait still lets other tasks run.
        consume_budget().await;
        loop {
            let mut filled = pin!(self.filled.notified());
            // From here on no change is missed, whichever comes first, the change or the wait.
            filled.as_mut().enable();
            if let Some(outcome) = self.try_next(&mut take) {
                return outcome;
            }
            filled.await;
        }
    }

    fn try_next<T>(&self, take: &mut impl FnMut(&mut S) -> Option<T>) -> Option<Result<T>> {
        let mut state = self.lock();
        let was_half_empty = state.is_half_empty();
        let taken = take(&mut state);
        let has_room = !was_half_empty && state.is_half_empty();
        let ended = taken.is_none() && state.is_closed();
        drop(state);
        if has_room {
            self.emptied.notify_waiters();
        }
        taken.map(Ok).or_else(|| ended.then(|| Err(Error::closed("subscriber"))))
    }

    /// Accepts nothing more; what is queued can still be read.
    pub(crate) fn close(&self) {
        self.lock().close();
        self.filled.notify_waiters();
        self.emptied.notify_waiters();
    }
}
