use std::sync::Mutex;

use pubsub_api::{
    Counter, CounterReading, Envelope, Error, ErrorKind, Incoming, MAX_SUBSCRIPTIONS, PublisherEpoch,
    QueueReading, Result, Subscription, Subscriptions,
};
use tokio::task::coop::consume_budget;

use crate::changes::Changes;
use crate::inbox::Inbox;
use crate::lock::lock;

/// The state of one subscriber: its inbox, its subscriptions, and the readers that wait.
#[derive(Debug)]
pub(crate) struct Stream {
    state: Mutex<State>,
    changes: Changes,
    received: Counter,
    dropped: Counter,
}

#[derive(Debug)]
struct State {
    inbox: Inbox,
    wanted: Subscriptions,
    closed: bool,
}

impl Stream {
    /// An open stream for `bound` events.
    pub(crate) fn new(bound: usize) -> Self {
        let state = State { inbox: Inbox::new(bound), wanted: Subscriptions::default(), closed: false };
        Self {
            state: Mutex::new(state),
            changes: Changes::default(),
            received: Counter::new("events_received"),
            dropped: Counter::with_cause("events_dropped", "inbox_full"),
        }
    }

    /// Adds an event if a subscription matches. If the inbox is full, the event becomes a counted gap.
    pub(crate) fn offer(&self, envelope: &Envelope) {
        let mut state = lock(&self.state);
        if state.closed || !state.wanted.wants(&envelope.topic) {
            return;
        }
        let counter = if state.inbox.push(envelope.clone()) { &self.received } else { &self.dropped };
        counter.add(1);
        drop(state);
        self.changes.announce();
    }

    /// Moves events from `next` into the inbox, whatever their topic, while there is room; returns the number of events.
    pub(crate) fn fill(&self, mut next: impl FnMut() -> Option<Envelope>) -> u64 {
        let mut state = lock(&self.state);
        let mut moved = 0;
        while !state.closed && state.inbox.has_room() {
            let Some(envelope) = next() else { break };
            state.inbox.push(envelope);
            moved += 1;
        }
        drop(state);
        self.received.add(moved);
        if moved > 0 {
            self.changes.announce();
        }
        moved
    }

    /// Reports that the link to `publisher` is up, with all subscriptions.
    pub(crate) fn link_up(&self, publisher: &str, publisher_epoch: Option<PublisherEpoch>) {
        self.notify(|inbox| inbox.link_up(publisher, publisher_epoch));
    }

    /// Reports that the publisher of this link has a new epoch.
    pub(crate) fn subscribed(&self, publisher: &str, publisher_epoch: PublisherEpoch) {
        self.notify(|inbox| inbox.subscribed(publisher, publisher_epoch));
    }

    /// Reports that the link to `publisher` is down.
    pub(crate) fn link_down(&self, publisher: &str, reason: &str) {
        self.notify(|inbox| inbox.link_down(publisher, reason));
    }

    fn notify(&self, what: impl FnOnce(&mut Inbox)) {
        let mut state = lock(&self.state);
        if state.closed {
            return;
        }
        what(&mut state.inbox);
        drop(state);
        self.changes.announce();
    }

    /// The next item; after `close` what had arrived before, then [`ErrorKind::Closed`].
    ///
    /// # Cancel safety
    /// An item is removed in the same step that returns it.
    pub(crate) async fn recv(&self) -> Result<Incoming> {
        // Even a reader that never waits yields to other tasks.
        consume_budget().await;
        self.changes.until(|| self.take()).await
    }

    fn take(&self) -> Option<Result<Incoming>> {
        let mut state = lock(&self.state);
        match state.inbox.pop() {
            Some(incoming) => Some(Ok(incoming)),
            None if state.closed => Some(Err(Error::closed("subscriber"))),
            None => None,
        }
    }

    /// Stops accepting; queued items can still be read.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.changes.announce();
    }

    /// As [`Subscriber::register_topic`](pubsub_api::Subscriber::register_topic).
    pub(crate) fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        let mut state = lock(&self.state);
        let is_full = state.wanted.len() >= MAX_SUBSCRIPTIONS;
        if is_full && !state.wanted.iter().any(|known| known == subscription) {
            let text = format!(
                "cannot subscribe to {subscription}: a subscriber has at most {MAX_SUBSCRIPTIONS} subscriptions"
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(state.wanted.insert(subscription))
    }

    /// As [`Subscriber::unregister_topic`](pubsub_api::Subscriber::unregister_topic): events that no subscription matches
    /// any more are removed from the inbox.
    pub(crate) fn unregister_topic(&self, subscription: &Subscription) -> bool {
        let mut state = lock(&self.state);
        let State { inbox, wanted, .. } = &mut *state;
        let removed = wanted.remove(subscription);
        if removed {
            inbox.retain(|topic| wanted.wants(topic));
        }
        removed
    }

    /// The counters.
    pub(crate) fn counters(&self) -> Vec<CounterReading> {
        vec![self.received.read(), self.dropped.read()]
    }

    /// The fill level of the inbox.
    pub(crate) fn queue(&self, when_full: &str) -> QueueReading {
        let state = lock(&self.state);
        QueueReading::new("inbox", "events", (state.inbox.events(), state.inbox.bound()), when_full)
    }
}
