use std::pin::pin;

use tokio::sync::Notify;

/// The changes of a state, for tasks that wait until it has what they need. It does not poll.
#[derive(Debug, Default)]
pub(crate) struct Changes(Notify);

impl Changes {
    /// Makes all waiting calls look again: call it after each change, without the lock of the state.
    pub(crate) fn announce(&self) {
        self.0.notify_waiters();
    }

    /// Waits until `look` returns a value: it is called at once and after each change.
    ///
    /// # Cancel safety
    /// If the future is dropped, `look` has returned no value, so nothing is lost if only a value changes the state.
    pub(crate) async fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            let mut changed = pin!(self.0.notified());
            // From here on no change is missed, even one before the wait.
            changed.as_mut().enable();
            if let Some(found) = look() {
                return found;
            }
            changed.await;
        }
    }
}
