use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// The progress of each subscriber. The window and the end of a part wait for it.
#[derive(Debug)]
pub(super) struct Progress {
    subscribers: Vec<SubscriberProgress>,
    /// The index that the waiting task needs from every subscriber; before that no subscriber wakes it.
    wanted: AtomicU64,
    changed: Notify,
}

#[derive(Debug, Default)]
struct SubscriberProgress {
    connected: AtomicBool,
    received: AtomicU64,
}

/// If the slowest subscriber makes no progress for this long, the run fails.
const STALL_TIMEOUT: Duration = Duration::from_secs(15);

impl Progress {
    pub(super) fn new(subscribers: usize) -> Self {
        let subscribers = std::iter::repeat_with(SubscriberProgress::default).take(subscribers).collect();
        Self { subscribers, wanted: AtomicU64::new(u64::MAX), changed: Notify::new() }
    }

    /// Notes that a subscriber is connected.
    pub(super) fn connected(&self, subscriber: usize) {
        if let Some(subscriber) = self.subscribers.get(subscriber) {
            subscriber.connected.store(true, Ordering::SeqCst);
            self.changed.notify_one();
        }
    }

    /// Notes that a subscriber has received all events before index `received`.
    pub(super) fn advance(&self, subscriber: usize, received: u64) {
        let Some(subscriber) = self.subscribers.get(subscriber) else { return };
        let before = subscriber.received.swap(received, Ordering::SeqCst);
        let wanted = self.wanted.load(Ordering::SeqCst);
        if before < wanted && received >= wanted {
            self.changed.notify_one();
        }
    }

    /// The index of the slowest subscriber.
    pub(super) fn slowest(&self) -> u64 {
        self.subscribers
            .iter()
            .map(|subscriber| subscriber.received.load(Ordering::SeqCst))
            .min()
            .unwrap_or(0)
    }

    /// Waits until every subscriber is connected; returns `false` after `patience`. Only one task may wait at a time.
    pub(super) async fn all_connected(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let changed = self.changed.notified();
            if self.subscribers.iter().all(|subscriber| subscriber.connected.load(Ordering::SeqCst)) {
                return true;
            }
            if timeout_at(deadline, changed).await.is_err() {
                return false;
            }
        }
    }

    /// Waits until every subscriber has reached index `wanted`. Only one task may wait at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the slowest subscriber makes no progress, which means that events are lost.
    pub(super) async fn reach(&self, wanted: u64) -> Result<()> {
        self.wanted.store(wanted, Ordering::SeqCst);
        loop {
            let changed = self.changed.notified();
            let slowest = self.slowest();
            if slowest >= wanted {
                return Ok(());
            }
            if timeout_at(Instant::now() + STALL_TIMEOUT, changed).await.is_err() && self.slowest() == slowest
            {
                let text = format!(
                    "a subscriber stands at event {slowest} for {STALL_TIMEOUT:?}, wanted were {wanted}: what was \
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
