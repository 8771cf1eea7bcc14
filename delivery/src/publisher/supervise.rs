use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::sleep;

/// When a task that failed begins anew.
const RESTART: Duration = Duration::from_secs(1);

/// Runs one of a publisher's tasks, and begins it anew when it fails: a defect of a driver does not end hellos, marks or
/// answers (docs/guarantees.md#f16).
pub(super) async fn supervise<Task: Future<Output = ()>>(
    name: &'static str,
    mut begin: impl FnMut() -> Task,
) {
    while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
        tracing::error!(task = name, "a publisher task panicked and was restarted");
        sleep(RESTART).await;
    }
}
