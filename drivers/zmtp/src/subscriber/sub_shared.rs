use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use pubsub_api::{
    Counter, CounterReading, Envelope, Error, ErrorKind, MAX_SUBSCRIPTIONS, Result, Subscription,
    Subscriptions, Tally, Topic,
};
use tokio::sync::watch;

use super::sub_asking::Asking;
use super::sub_lives::Lives;
use super::sub_queue::Queue;
use super::sub_queue::chunk::Span;
use crate::ZmtpSettings;

/// What a subscriber and its links have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: ZmtpSettings,
    pub(super) wanted: Wanted,
    pub(super) queue: Queue,
    pub(super) counters: LinkCounters,
    pub(super) asking: Asking,
    pub(super) lives: Lives,
}

impl Shared {
    pub(super) fn new(settings: ZmtpSettings) -> Self {
        let queue = Queue::new(settings.recv_queue_events);
        let (counters, asking) = (LinkCounters::default(), Asking::default());
        Self { settings, wanted: Wanted::default(), queue, counters, asking, lives: Lives::default() }
    }
}

/// What the application asks for.
#[derive(Debug)]
pub(super) struct Wanted {
    subscriptions: RwLock<Subscriptions>,
    /// A link that sees a change catches up.
    changed: watch::Sender<()>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { subscriptions: RwLock::default(), changed: watch::Sender::new(()) }
    }
}

impl Wanted {
    /// Adds one; `false` if it was there.
    pub(super) fn insert(&self, subscription: Subscription) -> Result<bool> {
        let mut wanted = self.subscriptions.write().unwrap_or_else(PoisonError::into_inner);
        if wanted.contains(&subscription) {
            return Ok(false);
        }
        if wanted.len() >= MAX_SUBSCRIPTIONS {
            let text = format!("a subscriber has at most {MAX_SUBSCRIPTIONS} topics and patterns");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        wanted.insert(subscription);
        drop(wanted);
        self.changed.send_replace(());
        Ok(true)
    }

    /// Takes one away; `false` if it was not there.
    pub(super) fn remove(&self, subscription: &Subscription) -> bool {
        let removed = self.subscriptions.write().unwrap_or_else(PoisonError::into_inner).remove(subscription);
        if removed {
            self.changed.send_replace(());
        }
        removed
    }

    /// What is wanted now.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Subscriptions> {
        self.subscriptions.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees changes from now on.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Judges several events by what is wanted now.
    pub(super) fn look(&self) -> Wants<'_> {
        Wants { wanted: self.read(), last: None }
    }
}

/// Which events are wanted. Events on one topic mostly come one behind the other: its verdict is kept.
pub(super) struct Wants<'a> {
    wanted: RwLockReadGuard<'a, Subscriptions>,
    last: Option<(Bytes, bool)>,
}

impl Wants<'_> {
    pub(super) fn wants(&mut self, block: &Bytes, event: &Span) -> bool {
        let topic = block.get(event.topic.clone()).unwrap_or_default();
        match &self.last {
            Some((last, verdict)) if last == topic => *verdict,
            _ => {
                let topic = block.slice_ref(topic);
                let verdict = Topic::new(topic.clone()).is_ok_and(|topic| self.wanted.wants(&topic));
                self.last = Some((topic, verdict));
                verdict
            }
        }
    }

    /// The event, if it is wanted.
    pub(super) fn envelope(&mut self, block: &Bytes, event: &Span) -> Option<Envelope> {
        let part = |range| block.get(range).map(|part| block.slice_ref(part));
        let topic = Topic::new(part(event.topic.clone())?).ok()?;
        let payload = part(event.payload.clone())?;
        self.wanted.wants(&topic).then_some(Envelope { topic, payload })
    }
}

/// What all links of a subscriber count together.
#[derive(Debug)]
pub(super) struct LinkCounters {
    pub(super) received: Counter,
    pub(super) missed: Counter,
    pub(super) links_lost: Counter,
    pub(super) dropped: Tally,
    /// Connections to a peer that is none for us.
    pub(super) refused: Tally,
}

impl Default for LinkCounters {
    fn default() -> Self {
        Self {
            received: Counter::new("events_received"),
            missed: Counter::new("events_missed"),
            links_lost: Counter::new("links_lost"),
            dropped: Tally::new("frames_dropped"),
            refused: Tally::new("peers_refused"),
        }
    }
}

impl LinkCounters {
    /// What is counted of answers.
    pub(super) fn of_replies() -> Self {
        Self {
            received: Counter::new("replies_received"),
            dropped: Tally::new("replies_dropped"),
            ..Self::default()
        }
    }

    pub(super) fn read(&self) -> Vec<CounterReading> {
        let mut readings = vec![self.received.read(), self.missed.read(), self.links_lost.read()];
        readings.extend(self.dropped.read());
        readings.extend(self.refused.read());
        readings
    }
}
