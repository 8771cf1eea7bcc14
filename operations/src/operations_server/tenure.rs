use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::status_page::Eviction;

/// How long a connection may last.
#[derive(Debug, Default)]
pub(super) struct Tenure {
    stream: OnceLock<Eviction>,
    opened: Notify,
}

/// The time of a connection, from its start until the reply is written. It is closed after that.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);

/// The time of a stream of events. The page connects again after that, so a forgotten client does not hold its place for ever.
const STREAM_TIMEOUT: Duration = Duration::from_secs(3600);

impl Tenure {
    /// The reply is a stream of events.
    pub(super) fn extend(&self, eviction: Eviction) {
        self.stream.get_or_init(|| eviction);
        self.opened.notify_one();
    }

    /// Waits until the connection must be closed, and returns the reason.
    pub(super) async fn over(&self) -> &'static str {
        tokio::select! {
            () = sleep(CONNECTION_TIMEOUT) => return "its time is over",
            () = self.opened.notified() => {}
        }
        let evicted = async {
            match self.stream.get() {
                Some(eviction) => eviction.evicted().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep(STREAM_TIMEOUT) => "the time of a stream is over",
            () = evicted => "its client does not read",
        }
    }
}
