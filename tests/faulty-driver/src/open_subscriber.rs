use std::collections::BTreeSet;
use std::sync::Arc;

use pubsub_api::{
    Counter, Envelope, Error, ErrorKind, Incoming, MAX_SUBSCRIPTIONS, Notice, QueueReading, Reply, Result,
    Status, Subscription, Subscriptions,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::arrival::Arrival;
use crate::replies::Replies;
use crate::timed_queue::{Place, TimedQueue};

/// The maximum number of unread events of one subscriber; more become a gap.
const MAX_EVENTS: usize = 10_000;

/// A subscriber, from its creation until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenSubscriber {
    pub(crate) name: String,
    pub(crate) addresses: BTreeSet<String>,
    pub(crate) phase: Phase,
    pub(crate) replies: Replies,
    /// Notified when anything was added or removed.
    pub(crate) wake: Arc<Notify>,
    /// Notified when a reply was read, and when there is no more room for any.
    pub(crate) room: Arc<Notify>,
    wanted: Subscriptions,
    incoming: TimedQueue<Incoming>,
    events: usize,
    /// The gap that grows while there is no room.
    gap: Option<Place>,
    received: Counter,
    dropped: Counter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    New,
    Running,
    Closed,
}

impl OpenSubscriber {
    pub(crate) fn new(name: &str, wake: &Arc<Notify>) -> Self {
        Self {
            name: name.to_owned(),
            addresses: BTreeSet::new(),
            phase: Phase::New,
            replies: Replies::new(),
            wake: Arc::clone(wake),
            room: Arc::default(),
            wanted: Subscriptions::default(),
            incoming: TimedQueue::new(),
            events: 0,
            gap: None,
            received: Counter::new("events_received"),
            dropped: Counter::with_cause("events_dropped", "inbox_full"),
        }
    }

    pub(crate) fn wants(&self, envelope: &Envelope) -> bool {
        self.wanted.wants(&envelope.topic)
    }

    /// Adds an event, or makes it part of a gap at its place.
    pub(crate) fn offer(&mut self, due: Instant, envelope: Envelope) {
        if self.events < MAX_EVENTS {
            self.events += 1;
            self.gap = None;
            self.received.add(1);
            self.incoming.push(due, Incoming::Event(envelope));
        } else {
            self.dropped.add(1);
            self.miss(due);
        }
        self.wake.notify_waiters();
    }

    fn miss(&mut self, due: Instant) {
        let open = self.gap.and_then(|place| self.incoming.get_mut(place));
        if let Some(Incoming::Notice(Notice::Gap { events, .. })) = open {
            *events += 1;
            return;
        }
        let reason = format!("the subscriber was too slow: its inbox of {MAX_EVENTS} events was full");
        let gap = Notice::Gap { topic: None, events: 1, reason };
        self.gap = Some(self.incoming.push(due, Incoming::Notice(gap)));
    }

    pub(crate) fn notify(&mut self, due: Instant, notice: Notice) {
        if self.phase != Phase::Closed {
            self.incoming.push(due, Incoming::Notice(notice));
            self.wake.notify_waiters();
        }
    }

    /// Adds the notices of a new link.
    pub(crate) fn link_up(&mut self, due: Instant, endpoint: &str) {
        let publisher = endpoint.to_owned();
        self.notify(due, Notice::LinkUp { publisher: publisher.clone() });
        self.notify(due, Notice::Subscribed { publisher, publisher_epoch: None });
    }

    pub(crate) fn link_down(&mut self, due: Instant, endpoint: &str, reason: &str) {
        self.notify(due, Notice::LinkDown { publisher: endpoint.to_owned(), reason: reason.to_owned() });
    }

    /// Removes the next reply, and makes room for another.
    pub(crate) fn take_reply(&mut self, now: Instant) -> Arrival<Reply> {
        let taken = self.replies.take(self.phase == Phase::Closed, now);
        if matches!(taken, Arrival::Now(Ok(_))) {
            self.room.notify_waiters();
        }
        taken
    }

    /// Removes the next item. What was not due when the subscriber was closed never arrives.
    pub(crate) fn take(&mut self, now: Instant) -> Arrival<Incoming> {
        match self.incoming.pop(now) {
            Some(incoming) => {
                self.events -= usize::from(matches!(incoming, Incoming::Event(_)));
                Arrival::Now(Ok(incoming))
            }
            None if self.phase == Phase::Closed => {
                let text = "the subscriber is closed, and all received events are read";
                Arrival::Now(Err(Error::new(ErrorKind::Closed, text)))
            }
            None => Arrival::Later(self.incoming.next_due()),
        }
    }

    pub(crate) fn register_topic(&mut self, subscription: Subscription) -> Result<bool> {
        if self.wanted.contains(&subscription) {
            return Ok(false);
        }
        if self.wanted.len() >= MAX_SUBSCRIPTIONS {
            let text = format!("a subscriber has at most {MAX_SUBSCRIPTIONS} subscriptions");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(self.wanted.insert(subscription))
    }

    /// Events that no subscription matches any more are removed.
    pub(crate) fn unregister_topic(&mut self, subscription: &Subscription) -> bool {
        let is_removed = self.wanted.remove(subscription);
        if is_removed {
            let wanted = &self.wanted;
            let mut events = 0;
            self.incoming.retain(|incoming| match incoming {
                Incoming::Event(envelope) => {
                    let keeps = wanted.wants(&envelope.topic);
                    events += usize::from(keeps);
                    keeps
                }
                Incoming::Notice(_) => true,
            });
            self.events = events;
        }
        is_removed
    }

    pub(crate) fn read(&self) -> Status {
        let inbox = QueueReading::new(
            "inbox",
            "events",
            (self.events, MAX_EVENTS),
            "new events are dropped, counted, and reported as a gap",
        );
        let counters = vec![self.received.read(), self.dropped.read()];
        Status { counters, queues: vec![inbox, self.replies.read()], ..Status::default() }
    }
}
