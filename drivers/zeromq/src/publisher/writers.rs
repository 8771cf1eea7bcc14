use std::sync::Weak;
use std::time::Duration;

use zeromq::MultiPeerBackend;

/// Waits, at most `patience`, until the crate's writer tasks, which hold the backend, have written their queues.
///
/// The crate has no `close` that waits for them: after a socket is dropped they run without a handle.
pub(super) async fn wait_for_writers(backend: Weak<dyn MultiPeerBackend>, patience: Duration) -> bool {
    const POLL_INTERVAL: Duration = Duration::from_millis(1);
    let all_done = async {
        while backend.strong_count() > 0 {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::time::timeout(patience, all_done).await.is_ok()
}
