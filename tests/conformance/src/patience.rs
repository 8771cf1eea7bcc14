use std::time::Duration;

use crate::Outcome;

/// How long a case waits for what the contract promises, on a machine however busy.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often a condition that nobody announces is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Waits for `future`, at most [`PATIENCE`].
///
/// # Errors
/// A sentence with `what` was waited for.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> Outcome<T> {
    let in_time = tokio::time::timeout(PATIENCE, future).await;
    in_time.map_err(|_| format!("waited {PATIENCE:?} in vain: {what}").into())
}

/// Waits until `condition` holds, at most [`PATIENCE`].
///
/// # Errors
/// A sentence with `what` was waited for.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) -> Outcome {
    let holds = async {
        while !condition() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    within(what, holds).await
}
