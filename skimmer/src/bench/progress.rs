use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How far each subscriber has come; what the window and the end of a part wait for.
#[derive(Debug)]
pub(super) struct Progress {
    lanes: Vec<Lane>,
    /// Whoever waits wants every lane to come so far: the others need not wake it before.
    wanted: AtomicU64,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Lane {
    connected: AtomicBool,
    received: AtomicU64,
}

/// For how long the slowest subscriber may stand still before the run is given up.
const PATIENCE: Duration = Duration::from_secs(15);

impl Progress {
    pub(super) fn new(subscribers: usize) -> Self {
        let lanes = std::iter::repeat_with(Lane::default).take(subscribers).collect();
        Self { lanes, wanted: AtomicU64::new(u64::MAX), changed: Notify::new() }
    }

    /// The subscriber of this lane gets what is published from now on.
    pub(super) fn connected(&self, lane: usize) {
        if let Some(lane) = self.lanes.get(lane) {
            lane.connected.store(true, Ordering::SeqCst);
            self.changed.notify_one();
        }
    }

    /// The subscriber of this lane has all up to index `received`.
    pub(super) fn advance(&self, lane: usize, received: u64) {
        let Some(lane) = self.lanes.get(lane) else { return };
        let before = lane.received.swap(received, Ordering::SeqCst);
        let wanted = self.wanted.load(Ordering::SeqCst);
        if before < wanted && received >= wanted {
            self.changed.notify_one();
        }
    }

    /// How far the slowest has come.
    pub(super) fn slowest(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.received.load(Ordering::SeqCst)).min().unwrap_or(0)
    }

    /// Waits until every subscriber is connected; false if `patience` is over first. One waits at a time.
    pub(super) async fn all_connected(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let changed = self.changed.notified();
            if self.lanes.iter().all(|lane| lane.connected.load(Ordering::SeqCst)) {
                return true;
            }
            if timeout_at(deadline, changed).await.is_err() {
                return false;
            }
        }
    }

    /// Waits until every subscriber has come to index `wanted`. One waits at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the slowest stands still: then the rest is lost.
    pub(super) async fn reach(&self, wanted: u64) -> Result<()> {
        self.wanted.store(wanted, Ordering::SeqCst);
        loop {
            let changed = self.changed.notified();
            let slowest = self.slowest();
            if slowest >= wanted {
                return Ok(());
            }
            if timeout_at(Instant::now() + PATIENCE, changed).await.is_err() && self.slowest() == slowest {
                let text = format!(
                    "a subscriber stands at event {slowest} for {PATIENCE:?}, wanted were {wanted}: what was \
                     sent after it is lost"
                );
                return Err(Error::new(ErrorKind::Internal, text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::Progress;

    #[tokio::test]
    async fn the_slowest_decides() {
        let progress = Arc::new(Progress::new(2));
        let waiting = tokio::spawn({
            let progress = Arc::clone(&progress);
            async move { progress.reach(10).await }
        });
        progress.advance(0, 10);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        progress.advance(1, 12);
        waiting.await.unwrap().unwrap();
        assert_eq!(progress.slowest(), 10);
    }

    #[tokio::test]
    async fn all_must_be_connected() {
        let progress = Progress::new(2);
        progress.connected(1);
        assert!(!progress.all_connected(Duration::from_millis(1)).await);
        progress.connected(0);
        assert!(progress.all_connected(Duration::from_millis(1)).await);
    }
}
