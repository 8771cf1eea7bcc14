use std::time::Duration;

use crate::Outcome;

/// Time limit for everything that the contract promises, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Interval between two checks of a condition that causes no notification.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Waits for `future`, at most [`PATIENCE`].
///
/// # Errors
/// A sentence with `what` did not happen.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> Outcome<T> {
    let in_time = tokio::time::timeout(PATIENCE, future).await;
    in_time.map_err(|_| format!("timed out after {PATIENCE:?}: {what}").into())
}

/// The beginning of a text, for a failure: a text may be long, and to format all of it for each wait costs more than the wait.
pub(crate) fn brief(text: &str) -> &str {
    const CHARACTERS: usize = 80;
    let end = text.char_indices().nth(CHARACTERS).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}

/// Waits until `condition` holds, at most [`PATIENCE`].
///
/// # Errors
/// A sentence with `what` did not happen.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) -> Outcome {
    let holds = async {
        while !condition() {
            // The wait helper itself.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    within(what, holds).await
}
