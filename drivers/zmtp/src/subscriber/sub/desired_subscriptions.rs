use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use pubsub_api::{Envelope, MAX_SUBSCRIPTIONS, Result, Subscription, Subscriptions, Topic};
use tokio::sync::watch;

use super::received_events::Span;

/// The subscriptions of the application.
#[derive(Debug)]
pub(crate) struct DesiredSubscriptions {
    subscriptions: RwLock<Subscriptions>,
    /// A link that sees a change catches up.
    changed: watch::Sender<()>,
}

impl Default for DesiredSubscriptions {
    fn default() -> Self {
        Self { subscriptions: RwLock::default(), changed: watch::Sender::new(()) }
    }
}

impl DesiredSubscriptions {
    /// Adds one; `false` if it was there.
    pub(crate) fn insert(&self, subscription: Subscription) -> Result<bool> {
        let mut wanted = self.subscriptions.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = wanted.insert_below(MAX_SUBSCRIPTIONS, subscription)?;
        drop(wanted);
        if is_new {
            self.changed.send_replace(());
        }
        Ok(is_new)
    }

    /// Removes one; `false` if it was not there.
    pub(crate) fn remove(&self, subscription: &Subscription) -> bool {
        let removed = self.subscriptions.write().unwrap_or_else(PoisonError::into_inner).remove(subscription);
        if removed {
            self.changed.send_replace(());
        }
        removed
    }

    /// What is wanted now.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Subscriptions> {
        self.subscriptions.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees changes from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// A filter for several events, by the subscriptions of now.
    pub(crate) fn look(&self) -> Wants<'_> {
        Wants { wanted: self.read(), last: None }
    }
}

/// Decides which events the application receives. Events of one topic mostly follow each other, so the last decision is kept.
pub(crate) struct Wants<'a> {
    wanted: RwLockReadGuard<'a, Subscriptions>,
    last: Option<(Bytes, bool)>,
}

impl Wants<'_> {
    pub(crate) fn wants(&mut self, block: &Bytes, event: &Span) -> bool {
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
    pub(crate) fn envelope(&mut self, block: &Bytes, event: &Span) -> Option<Envelope> {
        let part = |range| block.get(range).map(|part| block.slice_ref(part));
        let topic = Topic::new(part(event.topic.clone())?).ok()?;
        let payload = part(event.payload.clone())?;
        self.wanted.wants(&topic).then_some(Envelope { topic, payload })
    }
}
