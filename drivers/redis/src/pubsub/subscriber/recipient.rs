use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{Envelope, Incoming, Notice, PeerReading, Subscriptions, Topic};
use tokio::sync::watch;

use super::counters::Counters;
use super::filter::Filter;
use super::queue::{Abandoned, QueueSender};
use crate::servers::Endpoint;

/// The subscriber, as its connection needs it: the subscriptions to request, the queue to fill, and the status to update.
pub(super) struct Recipient {
    pub(super) wanted: Arc<RwLock<Subscriptions>>,
    /// Changes with `wanted`.
    pub(super) changes: watch::Receiver<()>,
    pub(super) sender: QueueSender,
    pub(super) counters: Arc<Counters>,
    pub(super) peer: Arc<Mutex<Option<PeerReading>>>,
}

impl Recipient {
    /// The filters that the server should have now.
    pub(super) fn filters(&mut self) -> BTreeSet<Filter> {
        self.changes.mark_unchanged();
        let wanted = self.wanted.read().unwrap_or_else(PoisonError::into_inner);
        wanted.iter().map(|subscription| Filter::of(&subscription)).collect()
    }

    /// Sets the state of the connection for the status.
    pub(super) fn set_state(&self, endpoint: &Endpoint, state: &str) {
        let reading = PeerReading { endpoint: endpoint.to_string(), state: state.to_owned() };
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
    }

    pub(super) async fn notify(&self, notice: Notice) -> Result<(), Abandoned> {
        self.sender.put(Incoming::Notice(notice)).await.map(drop)
    }

    /// Puts an event into the queue. Returns `true` if it had to wait for the application.
    pub(super) async fn deliver(&self, channel: Bytes, payload: Bytes) -> Result<bool, Abandoned> {
        let Ok(topic) = Topic::new(channel) else {
            self.counters.dropped(WireError::BadTopic);
            return Ok(false);
        };
        if is_node_list(&topic, &payload) {
            self.counters.node_list();
            return Ok(false);
        }
        if !self.wanted.read().unwrap_or_else(PoisonError::into_inner).wants(&topic) {
            return Ok(false);
        }
        let held_back = self.sender.put(Incoming::Event(Envelope { topic, payload })).await?;
        self.counters.received.add(1);
        self.counters.held_back.add(u64::from(held_back));
        Ok(held_back)
    }
}

/// Whether this is the node list that Dragonflow's own driver sends every three seconds, on a channel that may also be a
/// tenant's topic (docs/dragonflow.md#d42).
fn is_node_list(topic: &Topic, payload: &[u8]) -> bool {
    topic.as_bytes() == b"redis"
        && EventRef::read(topic.as_bytes(), payload)
            .is_ok_and(|event| event.table == Some("ha") && event.key == Some("nodes"))
}
