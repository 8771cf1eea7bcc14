use std::pin::pin;

use pubsub_api::Result;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// What a queue has for its reader.
pub(crate) enum Arrival<T> {
    /// The next item, or the end.
    Now(Result<T>),
    /// Nothing before this time; nothing at all if absent.
    Later(Option<Instant>),
}

/// Waits until `take` has something. `wake` is notified when a queue changes.
///
/// # Cancel safety
/// An item is removed in the step that returns it.
pub(crate) async fn wait<T>(wake: &Notify, mut take: impl FnMut(Instant) -> Arrival<T>) -> Result<T> {
    // Even a reader that never waits yields to other tasks.
    tokio::task::coop::consume_budget().await;
    loop {
        let mut woken = pin!(wake.notified());
        // From here on no change is missed, even one before the wait.
        woken.as_mut().enable();
        match take(Instant::now()) {
            Arrival::Now(outcome) => return outcome,
            Arrival::Later(None) => woken.await,
            Arrival::Later(Some(due)) => tokio::select! {
                () = woken => {}
                () = sleep_until(due) => {}
            },
        }
    }
}
