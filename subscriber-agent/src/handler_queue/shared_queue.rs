use std::sync::{Mutex, MutexGuard, PoisonError};

use pubsub_api::Counter;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::queue::{OfferOutcome, Queue};
use crate::{Change, QueueLimits};

/// The queue with its wakers and counters, shared by the dispatcher and the handler's task.
#[derive(Debug)]
pub(super) struct SharedQueue {
    queue: Mutex<Queue>,
    filled: Notify,
    has_room: Notify,
    pub(super) counters: Counters,
}

/// The counters of a handler.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) dispatched: Counter,
    pub(super) handled: Counter,
    pub(super) failed: Counter,
    pub(super) retried: Counter,
    /// Events that a later event of their row has replaced.
    pub(super) conflated: Counter,
    /// Events that were dropped after waiting for `age` in the full queue.
    pub(super) dropped: Counter,
    /// Failures that were not reported, because the queue of reports was full.
    pub(super) unreported: Counter,
}

/// The result of putting an event into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Put {
    /// `false` if the handler's task has ended.
    pub(super) is_accepted: bool,
    /// The number of events that were dropped to make room.
    pub(super) dropped: u64,
}

impl SharedQueue {
    pub(super) fn new(limits: QueueLimits) -> Self {
        let counters = Counters {
            dispatched: Counter::new("events_dispatched"),
            handled: Counter::new("events_handled"),
            failed: Counter::new("events_failed"),
            retried: Counter::new("events_retried"),
            conflated: Counter::new("events_conflated"),
            dropped: Counter::new("events_outdated"),
            unreported: Counter::new("failures_unreported"),
        };
        let (filled, has_room) = (Notify::new(), Notify::new());
        Self { queue: Mutex::new(Queue::new(limits)), filled, has_room, counters }
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an event into the queue; waits for room.
    pub(super) async fn put(&self, change: &Change) -> Put {
        let mut dropped = 0;
        loop {
            // Registered before the offer, so that room made in between is not missed.
            let has_room = self.has_room.notified();
            let offer = self.queue().offer(change, Instant::now());
            dropped += offer.dropped;
            self.counters.dropped.add(offer.dropped);
            match offer.outcome {
                OfferOutcome::Accepted => {
                    self.counters.dispatched.add(1);
                    self.filled.notify_one();
                    return Put { is_accepted: true, dropped };
                }
                OfferOutcome::Conflated => {
                    self.counters.dispatched.add(1);
                    self.counters.conflated.add(1);
                    return Put { is_accepted: true, dropped };
                }
                OfferOutcome::Closed => return Put { is_accepted: false, dropped },
                OfferOutcome::Full { until } => {
                    // After a timeout, too, the event is offered again.
                    let _ = timeout_at(until, has_room).await;
                }
            }
        }
    }

    /// Waits for the next event for the handler.
    pub(super) async fn next(&self) -> Change {
        loop {
            let next = self.queue().take();
            if let Some(change) = next {
                self.has_room.notify_waiters();
                return change;
            }
            self.filled.notified().await;
        }
    }

    pub(super) fn done(&self) {
        self.queue().done();
    }

    pub(super) fn close(&self) {
        self.queue().close();
        self.has_room.notify_waiters();
    }
}
