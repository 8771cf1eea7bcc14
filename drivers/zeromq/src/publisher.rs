//! The sending ends: PUB binds a port, PUSH connects to a socket.

mod pub_publisher;
mod push_link;
mod push_publisher;
mod service_watch;

pub use pub_publisher::PubPublisher;
pub use push_publisher::PushPublisher;

use std::sync::Weak;
use std::time::Duration;

use zeromq::MultiPeerBackend;

/// Waits until the crate's writer tasks, which hold the backend, are done with what was queued.
///
/// The crate has no `close` that waits for them: dropping a socket leaves them running, and gives no handle.
async fn wait_for_writers(backend: Weak<dyn MultiPeerBackend>, patience: Duration) -> bool {
    const LOOK_EVERY: Duration = Duration::from_millis(1);
    let all_done = async {
        while backend.strong_count() > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(patience, all_done).await.is_ok()
}
