use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pubsub_api::{Batch, QueueReading, Result, Topic, wire};
use tokio::sync::Notify;

use crate::protocol::put_event;
use chunk::{Chunk, Gone};
use spares::Spares;

pub(super) mod chunk;
mod spares;

/// The events that a worker sent and the service has not yet acknowledged, encoded, in the order of `send`.
///
/// Bounded in events and in bytes; an event counts until the link removes it, also while the link writes it. It is plain
/// memory: nothing in it belongs to a runtime, so it may be made before `fork`.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    bound: usize,
    filled: Notify,
    emptied: Notify,
    gone: Notify,
}

/// The most encoded bytes that a worker holds until they are acknowledged (docs/design.md#when-a-queue-is-full).
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

const WHEN_FULL: &str =
    "it holds the unacknowledged events; send waits for send_timeout and then fails as overloaded";

/// A batch releases the lock after this number of bytes, so that the link can proceed.
const MAX_LOCKED_BYTES: usize = 256 * 1024;

#[derive(Debug, Default)]
struct State {
    /// What the link has not yet taken.
    chunks: VecDeque<Chunk>,
    spares: Spares,
    /// In the chunks, and with the link.
    events: usize,
    bytes: usize,
    accepted: u64,
    closed: bool,
}

/// What became of what was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    Accepted,
    Full,
    Closed,
}

impl Outbox {
    /// An empty one with room for `bound` events.
    pub(super) fn new(bound: usize) -> Self {
        Self {
            state: Mutex::default(),
            bound,
            filled: Notify::new(),
            emptied: Notify::new(),
            gone: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an event in if there is room. Topic and payload were checked.
    pub(super) fn offer(&self, topic: &[u8], payload: &[u8]) -> Offered {
        let mut state = self.lock();
        let was_empty = state.chunks.is_empty();
        let offered = state.offer(topic, payload, self.bound);
        drop(state);
        if was_empty && offered == Offered::Accepted {
            self.filled.notify_one();
        }
        offered
    }

    /// Puts in what is in order at the front of a batch, as far as there is room, and takes it out of the batch. Accepted if
    /// that was anything.
    ///
    /// # Errors
    /// If nothing was put in because the first event is wrong.
    pub(super) fn offer_batch(&self, batch: &mut Batch) -> Result<Offered> {
        let mut state = self.lock();
        let was_empty = state.chunks.is_empty();
        let until = state.bytes + MAX_LOCKED_BYTES;
        let (mut count, mut good_topic, mut offered) = (0, &b""[..], Ok(Offered::Accepted));
        for event in batch.iter() {
            if state.bytes >= until {
                break;
            }
            if let Err(error) = check(event.topic, event.payload, good_topic) {
                offered = Err(error);
                break;
            }
            good_topic = event.topic;
            match state.offer(event.topic, event.payload, self.bound) {
                Offered::Accepted => count += 1,
                refused => {
                    offered = Ok(refused);
                    break;
                }
            }
        }
        drop(state);
        if count == 0 {
            return offered;
        }
        batch.advance(count);
        if was_empty {
            self.filled.notify_one();
        }
        Ok(Offered::Accepted)
    }

    /// Calls `offer` until it returns something else than "no room" (`None`). Cancel-safe if `offer` is: what was accepted
    /// is returned at once.
    pub(super) async fn when_room<T>(&self, mut offer: impl FnMut(&Self) -> Option<T>) -> T {
        loop {
            let mut emptied = pin!(self.emptied.notified());
            emptied.as_mut().enable();
            if let Some(done) = offer(self) {
                // There may be room for the next caller that waits.
                self.emptied.notify_one();
                return done;
            }
            emptied.await;
        }
    }

    /// The next events for the link; they hold their places until they are [released](Self::release).
    pub(super) fn take(&self) -> Option<Chunk> {
        self.lock().chunks.pop_front()
    }

    /// Returns when there may be something to take, or the outbox was closed. Cancel-safe.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Events that the link took need not be kept any more; the chunks that are done with are taken back.
    pub(super) fn release(&self, gone: Gone, done: impl Iterator<Item = Chunk>) {
        if gone == Gone::default() {
            return;
        }
        let mut state = self.lock();
        state.events = state.events.saturating_sub(gone.events);
        state.bytes = state.bytes.saturating_sub(gone.bytes);
        done.for_each(|chunk| state.spares.put(chunk));
        drop(state);
        self.emptied.notify_one();
        self.gone.notify_waiters();
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.emptied.notify_waiters();
        self.gone.notify_waiters();
        self.filled.notify_one();
    }

    /// Returns when the outbox was closed; with `and_empty` when besides all has gone.
    pub(super) async fn closed(&self, and_empty: bool) {
        self.until(|state| state.closed && (state.events == 0 || !and_empty)).await;
    }

    /// Whether it was closed and all has gone.
    pub(super) fn is_finished(&self) -> bool {
        let state = self.lock();
        state.closed && state.events == 0
    }

    /// The number of events that were accepted, and of those that were removed.
    pub(super) fn progress(&self) -> (u64, u64) {
        let state = self.lock();
        (state.accepted, state.accepted - state.events as u64)
    }

    /// Returns when as many events have gone. Cancel-safe.
    pub(super) async fn gone(&self, events: u64) {
        self.until(|state| state.accepted - state.events as u64 >= events).await;
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let mut gone = pin!(self.gone.notified());
            gone.as_mut().enable();
            if holds(&self.lock()) {
                return;
            }
            gone.await;
        }
    }

    /// Drops the rest. Returns the number of events.
    pub(super) fn drop_rest(&self) -> usize {
        let mut state = self.lock();
        state.chunks.clear();
        state.bytes = 0;
        let left = std::mem::take(&mut state.events);
        drop(state);
        self.gone.notify_waiters();
        left
    }

    /// How full it is.
    pub(super) fn read(&self) -> Vec<QueueReading> {
        let state = self.lock();
        let reading = |name: &str, depth: usize, bound: usize, unit: &str| {
            QueueReading::new(name, unit, (depth.min(bound), bound), WHEN_FULL)
        };
        vec![
            reading("send_queue", state.events, self.bound, "events"),
            reading("send_queue_bytes", state.bytes, MAX_BYTES, "bytes"),
        ]
    }
}

/// What [`Publisher::send`](pubsub_api::Publisher::send) has checked by its types; a topic that is like the one before is
/// good as that was.
fn check(topic: &[u8], payload: &[u8], good_topic: &[u8]) -> Result<()> {
    if topic != good_topic || topic.is_empty() {
        Topic::new(Bytes::copy_from_slice(topic))?;
    }
    wire::check_size(payload)
}

impl State {
    fn offer(&mut self, topic: &[u8], payload: &[u8], bound: usize) -> Offered {
        if self.closed {
            return Offered::Closed;
        }
        // One event more than fits is taken when there is nothing else: no event is larger than the outbox.
        if self.events >= bound || self.bytes + topic.len() + payload.len() > MAX_BYTES {
            return Offered::Full;
        }
        if self.chunks.back().is_none_or(Chunk::is_full) {
            let chunk = self.spares.take();
            self.chunks.push_back(chunk);
        }
        if let Some(chunk) = self.chunks.back_mut() {
            self.bytes += chunk.push(|bytes| put_event(bytes, topic, payload));
            self.events += 1;
            self.accepted += 1;
        }
        Offered::Accepted
    }
}

#[cfg(test)]
mod tests;
