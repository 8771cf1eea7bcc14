use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pubsub_api::{Envelope, Error, ErrorKind, Result};
use tokio::sync::Notify;

use crate::lock::lock;
use crate::stream::Stream;

/// The intakes of this process that anyone still holds, by endpoint.
static INTAKES: Mutex<BTreeMap<String, Weak<Intake>>> = Mutex::new(BTreeMap::new());

/// Where the multiproc publishers and the one subscriber of an endpoint meet: the publishers' outboxes.
///
/// Events go from the outboxes into the subscriber's inbox, in turn, whenever there is room: at a send, at a bind and
/// after a read. Lock order: intake, stream.
#[derive(Debug)]
pub(crate) struct Intake {
    endpoint: String,
    state: Mutex<State>,
    changed: Notify,
}

/// Names a publisher's outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutboxId(u64);

#[derive(Debug, Default)]
struct State {
    subscriber: Option<Arc<Stream>>,
    /// The first is the next to give.
    outboxes: VecDeque<Outbox>,
    attached: u64,
}

#[derive(Debug)]
struct Outbox {
    id: OutboxId,
    events: VecDeque<Envelope>,
    bound: usize,
}

impl Intake {
    /// The intake at `endpoint`, a new one if nobody is there.
    pub(crate) fn at(endpoint: &str) -> Arc<Self> {
        let mut intakes = INTAKES.lock().unwrap_or_else(PoisonError::into_inner);
        intakes.retain(|_, intake| intake.strong_count() > 0);
        if let Some(intake) = intakes.get(endpoint).and_then(Weak::upgrade) {
            return intake;
        }
        let intake =
            Arc::new(Self { endpoint: endpoint.to_owned(), state: Mutex::default(), changed: Notify::new() });
        intakes.insert(endpoint.to_owned(), Arc::downgrade(&intake));
        intake
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes `stream` the subscriber, and gives it what waits.
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

    /// Ends what `bind` began, if it was `stream` that was bound.
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

    /// Takes an outbox away, with what is in it; tells how much that was.
    pub(crate) fn detach(&self, id: OutboxId) -> usize {
        let mut state = lock(&self.state);
        let left = state.waiting(id);
        state.outboxes.retain(|outbox| outbox.id != id);
        left
    }

    /// How many events wait in an outbox.
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

    /// Moves events from the outboxes into the inbox as far as there is room.
    pub(crate) fn pump(&self) {
        let mut state = lock(&self.state);
        let State { subscriber: Some(stream), outboxes, .. } = &mut *state else { return };
        let moved = stream.fill(|| next_in_turn(outboxes));
        drop(state);
        if moved > 0 {
            self.changed.notify_waiters();
        }
    }

    /// Waits until `ready`, asking again whenever something changed. It does not poll.
    ///
    /// # Cancel safety
    /// Nothing but `ready` changes anything, and its success returns at once.
    pub(crate) async fn wait_until(&self, mut ready: impl FnMut() -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if ready() {
                return;
            }
            changed.await;
        }
    }

    /// Makes all who wait ask again.
    pub(crate) fn wake_all(&self) {
        self.changed.notify_waiters();
    }
}

impl State {
    fn waiting(&self, id: OutboxId) -> usize {
        self.outboxes.iter().find(|outbox| outbox.id == id).map_or(0, |outbox| outbox.events.len())
    }
}

/// One event of the first outbox that has any; that outbox then goes to the end of the turn.
fn next_in_turn(outboxes: &mut VecDeque<Outbox>) -> Option<Envelope> {
    let first = outboxes.iter().position(|outbox| !outbox.events.is_empty())?;
    outboxes.rotate_left(first);
    let envelope = outboxes.front_mut()?.events.pop_front();
    outboxes.rotate_left(1);
    envelope
}
