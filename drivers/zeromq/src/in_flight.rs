//! Counts the events that were passed to the `zeromq` crate and are not yet written; the crate does not report that.
//!
//! A payload is passed to the crate as [`Bytes`] with an owner that decrements the counters when the last reference is
//! dropped: after the bytes were copied into the write buffer of the last connection that needs them, or were dropped with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;

/// The number of events and bytes in flight.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    events: AtomicU64,
    bytes: AtomicU64,
    released: AtomicU64,
    waiting: AtomicU64,
    changed: Notify,
}

/// The memory of an event in the crate besides its payload, in bytes: the message, its frames and a slot in a queue.
const OVERHEAD_BYTES: u64 = 512;

fn cost(payload: &Bytes) -> u64 {
    payload.len() as u64 + OVERHEAD_BYTES
}

/// One payload in flight.
struct Held {
    payload: Bytes,
    gauge: Arc<InFlight>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.payload
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gauge.events.fetch_sub(1, Ordering::SeqCst);
        self.gauge.bytes.fetch_sub(cost(&self.payload), Ordering::SeqCst);
        self.gauge.released.fetch_add(1, Ordering::SeqCst);
        if self.gauge.waiting.load(Ordering::SeqCst) > 0 {
            self.gauge.changed.notify_waiters();
        }
    }
}

impl InFlight {
    /// Returns the payload, counted until its last reference is dropped.
    pub(crate) fn hold(self: &Arc<Self>, payload: Bytes) -> Bytes {
        self.events.fetch_add(1, Ordering::SeqCst);
        self.bytes.fetch_add(cost(&payload), Ordering::SeqCst);
        Bytes::from_owner(Held { payload, gauge: Arc::clone(self) })
    }

    /// As [`hold`](Self::hold), but waits, at most `patience`, until fewer than `limit` events are in flight. `None` after
    /// `patience`.
    pub(crate) async fn hold_below(
        self: &Arc<Self>,
        limit: u64,
        payload: Bytes,
        patience: Duration,
    ) -> Option<Bytes> {
        let deadline = Instant::now() + patience;
        while !self.take_place(limit) {
            let left = deadline.saturating_duration_since(Instant::now());
            if !self.wait_for(limit.saturating_sub(1), left).await {
                return None;
            }
        }
        self.bytes.fetch_add(cost(&payload), Ordering::SeqCst);
        Some(Bytes::from_owner(Held { payload, gauge: Arc::clone(self) }))
    }

    fn take_place(&self, limit: u64) -> bool {
        let more = |events: u64| (events < limit).then_some(events + 1);
        self.events.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::SeqCst)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }

    /// Waits until at most `events` are on their way, as long as `patience` lasts; true if that came about.
    pub(crate) async fn wait_for(&self, events: u64, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.at_most(events)).await.is_ok()
    }

    /// Waits until nothing is on its way; false if for `patience` nothing moved.
    pub(crate) async fn drain(&self, patience: Duration) -> bool {
        loop {
            let released = self.released.load(Ordering::SeqCst);
            if self.wait_for(0, patience).await {
                return true;
            }
            if self.released.load(Ordering::SeqCst) == released {
                return false;
            }
        }
    }

    async fn at_most(&self, events: u64) {
        let _waiting = Waiting::new(&self.waiting);
        loop {
            let changed = self.changed.notified();
            if self.events() <= events {
                return;
            }
            changed.await;
        }
    }
}

/// Someone waits: counted so that releasing stays cheap while nobody does.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Bytes, Duration, InFlight, OVERHEAD_BYTES};

    #[tokio::test]
    async fn an_event_is_on_its_way_until_its_last_reference_is_gone() {
        let gauge = Arc::new(InFlight::default());
        let held = gauge.hold(Bytes::from_static(b"payload"));
        let second = held.clone();
        assert_eq!((gauge.events(), gauge.bytes()), (1, 7 + OVERHEAD_BYTES));
        drop(held);
        assert_eq!(gauge.events(), 1);
        assert!(!gauge.drain(Duration::from_millis(1)).await, "nothing moves while a reference is left");
        drop(second);
        assert_eq!((gauge.events(), gauge.bytes()), (0, 0));
        assert!(gauge.drain(Duration::from_millis(1)).await);
    }

    #[tokio::test]
    async fn at_most_the_limit_is_in_flight() {
        let gauge = Arc::new(InFlight::default());
        let payload = || Bytes::from_static(b"payload");
        let long = Duration::from_secs(60);
        let held = gauge.hold_below(2, payload(), long).await.unwrap();
        let _second = gauge.hold_below(2, payload(), long).await.unwrap();
        assert!(gauge.hold_below(2, payload(), Duration::from_millis(1)).await.is_none());
        drop(held);
        assert!(gauge.hold_below(2, payload(), long).await.is_some());
    }

    #[tokio::test]
    async fn a_release_wakes_a_waiting_task() {
        let gauge = Arc::new(InFlight::default());
        let held = gauge.hold(Bytes::from_static(b"payload"));
        let waiter = tokio::spawn({
            let gauge = Arc::clone(&gauge);
            async move { gauge.drain(Duration::from_secs(60)).await }
        });
        while gauge.waiting.load(super::Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        drop(held);
        assert!(waiter.await.unwrap());
    }
}
