use std::collections::BTreeMap;
use std::sync::Arc;

use pubsub_api::{Envelope, PeerId, QueueReading, Request};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::faults::Fate;
use crate::timed_queue::TimedQueue;

/// The maximum number of requests that wait, as in the default driver.
const MAX_REQUESTS: usize = 1024;

/// A publisher from its bind to its end.
#[derive(Debug)]
pub(crate) struct BoundPublisher {
    pub(crate) name: String,
    pub(crate) endpoint: String,
    pub(crate) requests: TimedQueue<Request>,
    /// The subscribers that sent requests, by their ids in the network.
    pub(crate) requesters: BTreeMap<PeerId, u64>,
    /// Notified when a request was added, and at the end.
    pub(crate) wake: Arc<Notify>,
    /// When the last event in order to each subscriber can be read.
    last_due: BTreeMap<u64, Instant>,
    last_request_due: Option<Instant>,
}

impl BoundPublisher {
    pub(crate) fn new(name: &str, endpoint: &str, wake: &Arc<Notify>) -> Self {
        Self {
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            requests: TimedQueue::new(),
            requesters: BTreeMap::new(),
            wake: Arc::clone(wake),
            last_due: BTreeMap::new(),
            last_request_due: None,
        }
    }

    /// Returns when a copy can be read by a subscriber, and after what it stays.
    pub(crate) fn due(&mut self, subscriber: u64, now: Instant, fate: Fate) -> Instant {
        let due = now + fate.delay;
        if fate.is_late {
            return due;
        }
        let last = self.last_due.entry(subscriber).or_insert(due);
        *last = due.max(*last);
        *last
    }

    /// Returns when a notice about the link to a subscriber can be read: after the events on it.
    pub(crate) fn notice_due(&self, subscriber: u64, now: Instant) -> Instant {
        self.last_due.get(&subscriber).map_or(now, |last| now.max(*last))
    }

    /// The link to a subscriber has ended.
    pub(crate) fn forget(&mut self, subscriber: u64) {
        self.last_due.remove(&subscriber);
        self.requesters.retain(|_, requester| *requester != subscriber);
    }

    /// Adds the copies of a request; `false` if there is no room.
    pub(crate) fn add_request(
        &mut self,
        peer: PeerId,
        envelope: &Envelope,
        now: Instant,
        fates: &[Fate],
    ) -> bool {
        if self.requests.len() >= MAX_REQUESTS {
            return false;
        }
        for fate in fates {
            let mut due = now + fate.delay;
            if !fate.is_late {
                due = self.last_request_due.map_or(due, |last| last.max(due));
                self.last_request_due = Some(due);
            }
            self.requests.push(due, Request::new(peer, envelope.clone()));
        }
        self.wake.notify_waiters();
        true
    }

    pub(crate) fn read(&self) -> QueueReading {
        QueueReading::new(
            "requests",
            "events",
            (self.requests.len().min(MAX_REQUESTS), MAX_REQUESTS),
            "further requests are refused",
        )
    }
}
