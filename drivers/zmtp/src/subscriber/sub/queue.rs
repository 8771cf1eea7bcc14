use std::collections::VecDeque;

use pubsub_api::{Batch, Incoming, Notice, QueueReading, Result};

use super::bounded_queue::{BoundedQueue, QueueState};
use super::desired_subscriptions::DesiredSubscriptions;
use super::link_state::LinkState;
use super::received_events::ReceivedEvents;

/// The events that all links of a subscriber received and the application has not yet read, in order.
///
/// Bounded in events and in bytes; a notice counts as an event. A link offers a whole block at a time, and keeps what
/// does not fit; it is woken when half of the queue is free, so that link and reader do not wake each other for each event.
#[derive(Debug)]
pub(crate) struct Queue(BoundedQueue<State>);

/// The bytes above which no more blocks are accepted, whatever the value of `recv_queue_events`: the payloads of that many large events would be
/// gigabytes.
pub(crate) const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;

/// The most events in one batch: a batch costs its reader a lock, which the links wait for.
const MAX_BATCH_EVENTS: usize = 1024;

#[derive(Debug)]
struct State {
    bound: usize,
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
        Self(BoundedQueue::new(State { bound, items: VecDeque::new(), events: 0, bytes: 0, closed: false }))
    }

    /// Moves what fits from the front of `items`.
    pub(crate) fn offer(&self, link: &LinkState, items: &mut VecDeque<Item>) -> Result<(), Abandoned> {
        let mut state = self.0.lock();
        if state.closed || link.is_left() {
            return Err(Abandoned);
        }
        let before = state.events;
        while state.bytes < MAX_QUEUED_BYTES && state.take_front(items) {}
        let some = state.events > before;
        self.0.release(state, some);
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
        self.0.room().await;
    }

    /// The next event that is wanted, or the next notice.
    pub(crate) async fn recv(&self, wanted: &DesiredSubscriptions) -> Result<Incoming> {
        self.0.next(|state| state.pop(wanted)).await
    }

    /// Moves the events that are wanted to `batch`, up to the next notice or a bound.
    pub(crate) async fn recv_batch(
        &self,
        wanted: &DesiredSubscriptions,
        batch: &mut Batch,
    ) -> Result<Option<Notice>> {
        self.0.next(|state| state.fill(wanted, batch)).await
    }

    /// Accepts nothing more; what is queued can still be read.
    pub(crate) fn close(&self) {
        self.0.close();
    }

    /// The depths and bounds.
    pub(crate) fn read(&self) -> Vec<QueueReading> {
        let state = self.0.lock();
        let reading = |name: &str, depth: usize, bound: usize, unit: &str| {
            QueueReading::new(
                name,
                unit,
                (depth.min(bound), bound),
                "reading stops, and the publishers hold up to fanout_log_bytes",
            )
        };
        vec![
            reading("recv_queue", state.events, state.bound, "events"),
            reading("recv_queue_bytes", state.bytes, MAX_QUEUED_BYTES, "bytes"),
        ]
    }
}

impl QueueState for State {
    fn is_half_empty(&self) -> bool {
        self.closed || (self.events <= self.bound / 2 && self.bytes <= MAX_QUEUED_BYTES / 2)
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn close(&mut self) {
        self.closed = true;
    }
}

impl State {
    /// Moves the first item here, or as many of its events as fit; `false` if there is none, or no room.
    fn take_front(&mut self, items: &mut VecDeque<Item>) -> bool {
        let room = self.bound.saturating_sub(self.events);
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
                return Some(Incoming::Event(envelope));
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
