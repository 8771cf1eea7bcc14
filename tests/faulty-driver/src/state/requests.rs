//! Requests, from subscribers to publishers, and their replies.

use std::sync::Arc;

use pubsub_api::{Batch, Envelope, Error, ErrorKind, PeerId, Result};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::State;
use crate::open_subscriber::Phase;

/// The maximum size of a request, topic and payload, as in the default driver.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

impl State {
    /// Sends a request, with the faults of its direction; `false` if there is no such link or no room.
    pub(crate) fn request(&mut self, id: u64, endpoint: &str, envelope: &Envelope) -> bool {
        let bytes = envelope.topic.as_bytes().len() + envelope.payload.len();
        let (now, next) = (Instant::now(), self.next_id());
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return false };
        let is_registered = subscriber.phase == Phase::Running && subscriber.addresses.contains(endpoint);
        if !is_registered || !envelope.topic.is_reserved() || bytes > MAX_REQUEST_BYTES {
            return false;
        }
        let found = self.publishers.values_mut().find(|publisher| {
            publisher.endpoint == endpoint && !self.plan.is_broken(&publisher.name, &subscriber.name)
        });
        let Some(publisher) = found else {
            subscriber.replies.lose(endpoint, "no publisher is bound there", now);
            subscriber.wake.notify_waiters();
            return true;
        };
        let known =
            publisher.requesters.iter().find(|(_, requester)| **requester == id).map(|(peer, _)| *peer);
        let peer = known.unwrap_or(PeerId(next));
        publisher.requesters.insert(peer, id);
        let fates = self.plan.draw(&subscriber.name, &publisher.name);
        publisher.add_request(peer, envelope, now, &fates)
    }

    /// Returns what is notified when there is room for replies to a requester, or it is gone.
    pub(crate) fn room_of(&self, id: u64, peer: PeerId) -> Option<Arc<Notify>> {
        let requester = self.publishers.get(&id)?.requesters.get(&peer)?;
        self.subscribers.get(requester).map(|subscriber| Arc::clone(&subscriber.room))
    }

    /// Moves the envelopes of a reply that fit to the requester, with the faults of its direction.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the publisher is closed, [`ErrorKind::Unavailable`] if the requester is gone.
    pub(crate) fn answer(&mut self, id: u64, peer: PeerId, batch: &mut Batch) -> Result<()> {
        let publisher = self
            .publishers
            .get_mut(&id)
            .ok_or_else(|| Error::new(ErrorKind::Closed, "the publisher is closed"))?;
        let requester =
            publisher.requesters.get(&peer).and_then(|requester| self.subscribers.get_mut(requester));
        let subscriber = requester.ok_or_else(|| {
            let text = "the requester has disconnected; it must send its requests again";
            Error::new(ErrorKind::Unavailable, text)
        })?;
        let plan = &mut self.plan;
        let draw = || plan.draw(&publisher.name, &subscriber.name);
        let filled = subscriber.replies.fill(&publisher.endpoint, batch, Instant::now(), draw);
        subscriber.wake.notify_waiters();
        filled
    }
}
