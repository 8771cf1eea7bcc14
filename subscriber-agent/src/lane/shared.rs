use std::sync::{Mutex, MutexGuard, PoisonError};

use pubsub_api::Counter;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::queue::{Answer, Queue};
use crate::{Change, QueueLimits};

/// What a lane and its task have in common.
#[derive(Debug)]
pub(super) struct Shared {
    queue: Mutex<Queue>,
    filled: Notify,
    has_room: Notify,
    pub(super) counters: Counters,
}

/// What a lane counts.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) taken: Counter,
    pub(super) handled: Counter,
    pub(super) failed: Counter,
    pub(super) retried: Counter,
    /// Left out, since a later event of the row took its place.
    pub(super) conflated: Counter,
    /// Waited too long in a full queue.
    pub(super) dropped: Counter,
    /// Failures that were counted but not told, because nobody had read the last ones.
    pub(super) untold: Counter,
}

/// What came of putting an event into a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Put {
    /// False if the handler is gone.
    pub(super) is_taken: bool,
    /// How many events were dropped to make room.
    pub(super) dropped: u64,
}

impl Shared {
    pub(super) fn new(limits: QueueLimits) -> Self {
        let counters = Counters {
            taken: Counter::new("events_dispatched"),
            handled: Counter::new("events_handled"),
            failed: Counter::new("events_failed"),
            retried: Counter::new("events_retried"),
            conflated: Counter::new("events_conflated"),
            dropped: Counter::new("events_outdated"),
            untold: Counter::new("failures_untold"),
        };
        let (filled, has_room) = (Notify::new(), Notify::new());
        Self { queue: Mutex::new(Queue::new(limits)), filled, has_room, counters }
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an event in; waits for room.
    pub(super) async fn put(&self, change: &Change) -> Put {
        let mut dropped = 0;
        loop {
            // Made before the look at the queue: what happens in between is not missed.
            let has_room = self.has_room.notified();
            let offer = self.queue().offer(change, Instant::now());
            dropped += offer.dropped;
            self.counters.dropped.add(offer.dropped);
            match offer.answer {
                Answer::Taken => {
                    self.counters.taken.add(1);
                    self.filled.notify_one();
                    return Put { is_taken: true, dropped };
                }
                Answer::Conflated => {
                    self.counters.taken.add(1);
                    self.counters.conflated.add(1);
                    return Put { is_taken: true, dropped };
                }
                Answer::Closed => return Put { is_taken: false, dropped },
                Answer::Full { until } => {
                    // Either way the queue is looked at again.
                    let _ = timeout_at(until, has_room).await;
                }
            }
        }
    }

    /// The next event, for the handler; waits for it.
    pub(super) async fn next(&self) -> Change {
        loop {
            let taken = self.queue().take();
            if let Some(change) = taken {
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
