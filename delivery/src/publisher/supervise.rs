use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::sleep;

/// The wait before a task that panicked is restarted.
const RESTART: Duration = Duration::from_secs(1);

/// Runs one of a publisher's tasks, and restarts it when it panics: a defect of a driver ends neither hellos nor marks nor
/// replies (docs/guarantees.md#f16).
pub(super) async fn supervise<Task: Future<Output = ()>>(
    name: &'static str,
    mut begin: impl FnMut() -> Task,
) {
    while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
        tracing::error!(id = "SK0220", task = name, "a publisher task panicked and was restarted");
        sleep(RESTART).await;
    }
}
