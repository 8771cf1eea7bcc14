use std::collections::VecDeque;
use std::mem::discriminant;
use std::sync::Arc;

use bytes::Bytes;
use pubsub_api::{Envelope, QueueReading, Reply, Result, Topic};

use crate::subscriber::sub::bounded_queue::{BoundedQueue, QueueState};
use crate::subscriber::sub::link_state::LinkState;
use crate::subscriber::sub::queue::{Abandoned, Item};
use crate::subscriber::sub::received_events::{ReceivedEvents, Span};

/// The replies of all publishers that were not yet read, in order.
///
/// Bounded in events and in bytes. A connection offers a whole block at a time, and keeps what does not fit; it is
/// woken when half of the queue is free.
#[derive(Debug)]
pub(crate) struct Replies(BoundedQueue<State>);

impl Default for Replies {
    fn default() -> Self {
        Self(BoundedQueue::new(State::default()))
    }
}

/// The bytes above which no more blocks are accepted; one block may exceed it.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The same for events, which may be small.
const MAX_EVENTS: usize = 32_768;

#[derive(Debug, Default)]
struct State {
    items: VecDeque<(Arc<str>, QueuedReply)>,
    events: usize,
    bytes: usize,
    closed: bool,
}

#[derive(Debug)]
enum QueuedReply {
    Parts(ReceivedEvents),
    Lost(String),
    Refused(String),
}

impl Replies {
    /// Takes what fits from the front of `items`.
    pub(crate) fn offer(
        &self,
        endpoint: &Arc<str>,
        link: &LinkState,
        items: &mut VecDeque<Item>,
    ) -> std::result::Result<(), Abandoned> {
        let mut state = self.0.lock();
        if state.closed || link.is_left() {
            return Err(Abandoned);
        }
        let before = state.items.len();
        while state.has_room()
            && let Some(item) = items.pop_front()
        {
            // An answer is outside of the stream of events, and so has no notices in it.
            let Item::Events(chunk) = item else { continue };
            state.events += chunk.len();
            state.bytes += chunk.bytes();
            state.items.push_back((Arc::clone(endpoint), QueuedReply::Parts(chunk)));
        }
        let some = state.items.len() > before;
        self.0.release(state, some);
        Ok(())
    }

    /// Reports that the requests to this publisher will not be answered. Not twice in a row: the reader retries after the first.
    pub(crate) fn lose(&self, endpoint: &Arc<str>, reason: String) {
        self.end(endpoint, QueuedReply::Lost(reason));
    }

    /// Reports that this publisher answers no requests at all. Not twice in a row, either.
    pub(crate) fn refuse(&self, endpoint: &Arc<str>, reason: String) {
        self.end(endpoint, QueuedReply::Refused(reason));
    }

    fn end(&self, endpoint: &Arc<str>, end: QueuedReply) {
        let mut state = self.0.lock();
        let last = state.items.iter().rev().find(|(of, _)| of == endpoint);
        if last.is_none_or(|(_, last)| discriminant(last) != discriminant(&end)) {
            state.items.push_back((Arc::clone(endpoint), end));
        }
        self.0.release(state, true);
    }

    /// Returns when half of it is free. Cancel-safe.
    pub(crate) async fn room(&self) {
        self.0.room().await;
    }

    /// The next reply, as [`pubsub_api::Requester::next`] has it.
    pub(crate) async fn next(&self) -> Result<Reply> {
        self.0.next(State::pop).await
    }

    /// Accepts nothing more; what is queued can still be read.
    pub(crate) fn close(&self) {
        self.0.close();
    }

    /// How full it is.
    pub(crate) fn read(&self) -> [QueueReading; 2] {
        let state = self.0.lock();
        let reading = |name: &str, depth: usize, bound: usize, unit: &str| {
            QueueReading::new(
                name,
                unit,
                (depth.min(bound), bound),
                "reading replies stops, and the publisher waits",
            )
        };
        [
            reading("replies", state.events, MAX_EVENTS, "events"),
            reading("replies_bytes", state.bytes, MAX_BYTES, "bytes"),
        ]
    }
}

impl QueueState for State {
    fn is_half_empty(&self) -> bool {
        self.closed || (self.events <= MAX_EVENTS / 2 && self.bytes <= MAX_BYTES / 2)
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn close(&mut self) {
        self.closed = true;
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.events < MAX_EVENTS && self.bytes < MAX_BYTES
    }

    fn pop(&mut self) -> Option<Reply> {
        loop {
            let (endpoint, came) = self.items.front_mut()?;
            let QueuedReply::Parts(chunk) = came else { break };
            let Some(event) = chunk.pop() else {
                self.items.pop_front();
                continue;
            };
            self.events -= 1;
            self.bytes -= event.bytes();
            // The decoder has checked it.
            if let Some(envelope) = envelope(chunk.block(), &event) {
                return Some(Reply::Part { endpoint: endpoint.as_ref().to_owned(), envelope });
            }
        }
        match self.items.pop_front()? {
            (endpoint, QueuedReply::Lost(reason)) => {
                Some(Reply::Lost { endpoint: endpoint.as_ref().to_owned(), reason })
            }
            (endpoint, QueuedReply::Refused(reason)) => {
                Some(Reply::Refused { endpoint: endpoint.as_ref().to_owned(), reason })
            }
            (_, QueuedReply::Parts(_)) => None,
        }
    }
}

fn envelope(block: &Bytes, event: &Span) -> Option<Envelope> {
    let part = |range| block.get(range).map(|part| block.slice_ref(part));
    let topic = Topic::new(part(event.topic.clone())?).ok()?;
    Some(Envelope { topic, payload: part(event.payload.clone())? })
}

#[cfg(test)]
mod tests;
