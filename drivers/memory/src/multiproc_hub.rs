use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pubsub_api::{Envelope, Error, ErrorKind, Result};

use crate::changes::Changes;
use crate::lock::lock;
use crate::stream::Stream;

/// The multiproc endpoints of this process that are still in use, by name.
static HUBS: Mutex<BTreeMap<String, Weak<MultiprocHub>>> = Mutex::new(BTreeMap::new());

/// Connects the multiproc publishers and the one subscriber of an endpoint: the publishers' outboxes.
///
/// Events move from the outboxes into the subscriber's inbox, in turn, whenever there is room: at a send, at a bind and
/// after a read. Lock order: endpoint, stream.
#[derive(Debug)]
pub(crate) struct MultiprocHub {
    endpoint: String,
    state: Mutex<State>,
    changes: Changes,
}

/// Identifies a publisher's outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutboxId(u64);

#[derive(Debug, Default)]
struct State {
    subscriber: Option<Arc<Stream>>,
    /// The first is the next in turn.
    outboxes: VecDeque<Outbox>,
    attached: u64,
}

#[derive(Debug)]
struct Outbox {
    id: OutboxId,
    events: VecDeque<Envelope>,
    bound: usize,
}

impl MultiprocHub {
    /// The endpoint of this name; created if it does not exist.
    pub(crate) fn at(endpoint: &str) -> Arc<Self> {
        let mut hubs = HUBS.lock().unwrap_or_else(PoisonError::into_inner);
        hubs.retain(|_, hub| hub.strong_count() > 0);
        if let Some(hub) = hubs.get(endpoint).and_then(Weak::upgrade) {
            return hub;
        }
        let hub = Arc::new(Self {
            endpoint: endpoint.to_owned(),
            state: Mutex::default(),
            changes: Changes::default(),
        });
        hubs.insert(endpoint.to_owned(), Arc::downgrade(&hub));
        hub
    }

    /// Its name.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes `stream` the subscriber, and moves the waiting events to it.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if there is one already.
    pub(crate) fn bind(&self, stream: &Arc<Stream>) -> Result<()> {
        let mut state = lock(&self.state);
        if state.subscriber.is_some() {
            let text = format!(
                "cannot bind {}: it is in use by another subscriber of this process; close that one or choose \
                 another publisher_multiproc_socket",
                self.endpoint
            );
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        state.subscriber = Some(Arc::clone(stream));
        drop(state);
        self.pump();
        Ok(())
    }

    /// Reverts `bind`, if `stream` is the bound subscriber.
    pub(crate) fn release(&self, stream: &Arc<Stream>) {
        let mut state = lock(&self.state);
        if state.subscriber.as_ref().is_some_and(|bound| Arc::ptr_eq(bound, stream)) {
            state.subscriber = None;
        }
    }

    /// Whether a subscriber is bound.
    pub(crate) fn has_subscriber(&self) -> bool {
        lock(&self.state).subscriber.is_some()
    }

    /// A new outbox for `bound` events.
    pub(crate) fn attach(&self, bound: usize) -> OutboxId {
        let mut state = lock(&self.state);
        state.attached += 1;
        let id = OutboxId(state.attached);
        state.outboxes.push_back(Outbox { id, events: VecDeque::new(), bound });
        id
    }

    /// Removes an outbox with its events; returns the number of these.
    pub(crate) fn detach(&self, id: OutboxId) -> usize {
        let mut state = lock(&self.state);
        let left = state.waiting(id);
        state.outboxes.retain(|outbox| outbox.id != id);
        left
    }

    /// The number of events in an outbox.
    pub(crate) fn waiting(&self, id: OutboxId) -> usize {
        lock(&self.state).waiting(id)
    }

    /// Accepts an event if there is room.
    pub(crate) fn push(&self, id: OutboxId, envelope: &Envelope) -> bool {
        let mut state = lock(&self.state);
        let accepted = match state.outboxes.iter_mut().find(|outbox| outbox.id == id) {
            Some(outbox) if outbox.events.len() < outbox.bound => {
                outbox.events.push_back(envelope.clone());
                true
            }
            _ => false,
        };
        drop(state);
        if accepted {
            self.pump();
        }
        accepted
    }

    /// Moves events from the outboxes into the inbox while there is room.
    pub(crate) fn pump(&self) {
        let mut state = lock(&self.state);
        let State { subscriber: Some(stream), outboxes, .. } = &mut *state else { return };
        let moved = stream.fill(|| next_in_turn(outboxes));
        drop(state);
        if moved > 0 {
            self.changes.announce();
        }
    }

    /// Waits until `ready` returns true, and calls it after each change. It does not poll.
    ///
    /// # Cancel safety
    /// Only `ready` changes anything, and this returns as soon as it succeeds.
    pub(crate) async fn wait_until(&self, mut ready: impl FnMut() -> bool) {
        self.changes.until(|| ready().then_some(())).await;
    }

    /// Makes all waiting calls check again.
    pub(crate) fn wake_all(&self) {
        self.changes.announce();
    }
}

impl State {
    fn waiting(&self, id: OutboxId) -> usize {
        self.outboxes.iter().find(|outbox| outbox.id == id).map_or(0, |outbox| outbox.events.len())
    }
}

/// Takes one event from the first outbox that has any, and moves that outbox to the end.
fn next_in_turn(outboxes: &mut VecDeque<Outbox>) -> Option<Envelope> {
    let first = outboxes.iter().position(|outbox| !outbox.events.is_empty())?;
    outboxes.rotate_left(first);
    let envelope = outboxes.front_mut()?.events.pop_front();
    outboxes.rotate_left(1);
    envelope
}
