use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pubsub_api::{Batch, Incoming, Notice, QueueReading, Result};
use tokio::sync::Notify;
use tokio::task::coop::consume_budget;

use super::desired_subscriptions::DesiredSubscriptions;
use super::link_state::LinkState;
use super::received_events::ReceivedEvents;
use crate::wire::closed;

/// The events that all links of a subscriber received and the application has not yet read, in order.
///
/// Bounded in events and in bytes; a notice counts as an event. A link offers a whole block at a time, and keeps what
/// does not fit; it is woken when half of the queue is free, so that link and reader do not wake each other for each event.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    bound: usize,
    filled: Notify,
    emptied: Notify,
}

/// The bytes above which no more blocks are accepted, whatever `recv_queue_events` says: the payloads of that many large events would be
/// gigabytes.
pub(crate) const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;

/// The most events in one batch: a batch costs its reader a lock, which the links wait for.
const MAX_BATCH_EVENTS: usize = 1024;

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    events: usize,
    bytes: usize,
    closed: bool,
}

/// One place in the stream.
#[derive(Debug)]
pub(crate) enum Item {
    Events(ReceivedEvents),
    Notice(Notice),
}

/// The link is not needed any more: the subscriber was closed, or the link's address unregistered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Abandoned;

impl Queue {
    /// An empty one with room for `bound` events.
    pub(crate) fn new(bound: usize) -> Self {
        Self { state: Mutex::default(), bound, filled: Notify::new(), emptied: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves what fits from the front of `items`.
    pub(crate) fn offer(&self, link: &LinkState, items: &mut VecDeque<Item>) -> Result<(), Abandoned> {
        let mut state = self.lock();
        if state.closed || link.is_left() {
            return Err(Abandoned);
        }
        let before = state.events;
        while state.bytes < MAX_QUEUED_BYTES && state.take_front(items, self.bound) {}
        let some = state.events > before;
        drop(state);
        if some {
            self.filled.notify_waiters();
        }
        Ok(())
    }

    /// Waits until all of `items` are in the queue.
    pub(crate) async fn put(&self, link: &LinkState, mut items: VecDeque<Item>) -> Result<(), Abandoned> {
        loop {
            self.offer(link, &mut items)?;
            if items.is_empty() {
                return Ok(());
            }
            self.room().await;
        }
    }

    /// Returns when half of the queue is free. Cancel-safe.
    pub(crate) async fn room(&self) {
        loop {
            let mut emptied = pin!(self.emptied.notified());
            emptied.as_mut().enable();
            if self.lock().is_half_empty(self.bound) {
                return;
            }
            emptied.await;
        }
    }

    /// The next event that is wanted, or the next notice.
    pub(crate) async fn recv(&self, wanted: &DesiredSubscriptions) -> Result<Incoming> {
        self.next(|state| state.pop(wanted)).await
    }

    /// Moves the events that are wanted to `batch`, up to the next notice or a bound.
    pub(crate) async fn recv_batch(
        &self,
        wanted: &DesiredSubscriptions,
        batch: &mut Batch,
    ) -> Result<Option<Notice>> {
        self.next(|state| state.fill(wanted, batch)).await
    }

    async fn next<T>(&self, mut take: impl FnMut(&mut State) -> Option<T>) -> Result<T> {
        // A reader that never has to wait still lets other tasks run.
        consume_budget().await;
        loop {
            let mut filled = pin!(self.filled.notified());
            // From here on no change is missed, whichever comes first, the change or the wait.
            filled.as_mut().enable();
            if let Some(outcome) = self.try_next(&mut take) {
                return outcome;
            }
            filled.await;
        }
    }

    fn try_next<T>(&self, take: &mut impl FnMut(&mut State) -> Option<T>) -> Option<Result<T>> {
        let mut state = self.lock();
        let was_half_empty = state.is_half_empty(self.bound);
        let taken = take(&mut state);
        let has_room = !was_half_empty && state.is_half_empty(self.bound);
        let ended = taken.is_none() && state.closed;
        drop(state);
        if has_room {
            self.emptied.notify_waiters();
        }
        taken.map(Ok).or_else(|| ended.then(|| Err(closed("subscriber"))))
    }

    /// Accepts nothing more; what is queued can still be read.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_waiters();
    }

    /// The depths and bounds.
    pub(crate) fn read(&self) -> Vec<QueueReading> {
        let state = self.lock();
        let reading = |name: &str, depth: usize, bound: usize, unit: &str| QueueReading {
            name: name.to_owned(),
            depth: depth.min(bound) as u64,
            bound: bound as u64,
            unit: unit.to_owned(),
            when_full: "reading stops, and the publishers hold up to fanout_log_bytes".to_owned(),
        };
        vec![
            reading("recv_queue", state.events, self.bound, "events"),
            reading("recv_queue_bytes", state.bytes, MAX_QUEUED_BYTES, "bytes"),
        ]
    }
}

impl State {
    fn is_half_empty(&self, bound: usize) -> bool {
        self.closed || (self.events <= bound / 2 && self.bytes <= MAX_QUEUED_BYTES / 2)
    }

    /// Moves the first item here, or as many of its events as fit; `false` if there is none, or no room.
    fn take_front(&mut self, items: &mut VecDeque<Item>, bound: usize) -> bool {
        let room = bound.saturating_sub(self.events);
        let item = match items.front_mut() {
            Some(Item::Events(chunk)) if chunk.len() > room && room > 0 => {
                Some(Item::Events(chunk.split_to(room)))
            }
            _ if room > 0 => items.pop_front(),
            _ => None,
        };
        let Some(item) = item else { return false };
        match &item {
            Item::Events(chunk) => {
                self.events += chunk.len();
                self.bytes += chunk.bytes();
            }
            Item::Notice(_) => self.events += 1,
        }
        self.items.push_back(item);
        true
    }

    fn pop(&mut self, wanted: &DesiredSubscriptions) -> Option<Incoming> {
        let mut wants = wanted.look();
        loop {
            let Item::Events(chunk) = self.items.front_mut()? else {
                return self.pop_notice().map(Incoming::Notice);
            };
            let Some(event) = chunk.pop() else {
                self.items.pop_front();
                continue;
            };
            self.events -= 1;
            self.bytes -= event.bytes();
            if let Some(envelope) = wants.envelope(chunk.block(), &event) {
                return Some(Incoming::Message(envelope));
            }
        }
    }

    /// Takes the first item if it is a notice.
    fn pop_notice(&mut self) -> Option<Notice> {
        let Item::Notice(notice) = self.items.front()? else { return None };
        let notice = notice.clone();
        self.items.pop_front();
        self.events -= 1;
        Some(notice)
    }

    /// `None` if nothing was queued.
    fn fill(&mut self, wanted: &DesiredSubscriptions, batch: &mut Batch) -> Option<Option<Notice>> {
        let mut wants = wanted.look();
        let mut portion = Portion::default();
        while !portion.is_full()
            && let Some(Item::Events(chunk)) = self.items.front_mut()
        {
            let mut block = None;
            while !portion.is_full()
                && let Some(event) = chunk.pop()
            {
                self.events -= 1;
                self.bytes -= event.bytes();
                if wants.wants(chunk.block(), &event) {
                    let id = *block.get_or_insert_with(|| batch.add_block(chunk.block().clone()));
                    portion.add(event.payload.len());
                    // It lies within its block, as the decoder found it there.
                    let _ = batch.push_span(id, event.topic, event.payload);
                }
            }
            if chunk.is_empty() {
                self.items.pop_front();
            }
        }
        let notice = if portion.is_full() { None } else { self.pop_notice() };
        (notice.is_some() || portion.events > 0).then_some(notice)
    }
}

/// The events and bytes that one batch has.
#[derive(Debug, Default)]
struct Portion {
    events: usize,
    bytes: usize,
}

impl Portion {
    fn add(&mut self, bytes: usize) {
        self.events += 1;
        self.bytes += bytes;
    }

    fn is_full(&self) -> bool {
        self.events >= MAX_BATCH_EVENTS || self.bytes >= Batch::MAX_RECEIVED_BYTES
    }
}

#[cfg(test)]
mod tests;
