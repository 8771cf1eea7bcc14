use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::Change;

/// The bounds of a handler's queue.
///
/// The settings `agent.handler_queue_events`, `agent.handler_queue_bytes`, `agent.handler_queue_age` and
/// `agent.conflate` are these four. A queue is full if it has no room by either of the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// The largest number of events.
    pub events: usize,
    /// The largest size of all events, in bytes. A larger event is accepted if the queue is empty.
    pub bytes: usize,
    /// The longest time for which a full queue blocks the agent.
    pub age: Duration,
    /// Whether an event replaces the waiting event of its row if the queue is full or its oldest event has waited for `age`.
    pub conflate: bool,
}

/// The waiting events of one handler and the event that it processes. No clock: callers pass the time.
#[derive(Debug)]
pub(super) struct Queue {
    limits: QueueLimits,
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// The number of events that have left the queue; an event's number minus this is its index in `waiting`.
    left: u64,
    /// With `conflate`: the number of the waiting event of each row.
    latest: HashMap<(String, String), u64>,
    current: Option<Change>,
    is_closed: bool,
}

#[derive(Debug)]
struct Waiting {
    change: Change,
    bytes: usize,
    since: Instant,
}

/// The result of offering an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) outcome: OfferOutcome,
    /// The number of events older than `age` that were dropped to make room.
    pub(super) dropped: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfferOutcome {
    Accepted,
    /// It has replaced the waiting event of its row.
    Conflated,
    /// Offer it again when there is room, or at `until`, when the oldest event has waited for `age`.
    Full {
        until: Instant,
    },
    /// The queue accepts no events any more.
    Closed,
}

impl Queue {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            bytes: 0,
            left: 0,
            latest: HashMap::new(),
            current: None,
            is_closed: false,
        }
    }

    pub(super) fn offer(&mut self, change: &Change, now: Instant) -> Offer {
        let offer = |outcome, dropped| Offer { outcome, dropped };
        if self.is_closed {
            return offer(OfferOutcome::Closed, 0);
        }
        let (has_room, is_aged) = (self.has_room_for(change), self.is_aged(now));
        if self.limits.conflate && (is_aged || !has_room) && self.replace(change) {
            return offer(OfferOutcome::Conflated, 0);
        }
        let mut dropped = 0;
        if !has_room {
            while self.is_aged(now) && self.pop().is_some() {
                dropped += 1;
            }
        }
        if self.has_room_for(change) {
            self.push(change, now);
            return offer(OfferOutcome::Accepted, dropped);
        }
        let oldest = self.waiting.front().map_or(now, |oldest| oldest.since);
        offer(OfferOutcome::Full { until: oldest + self.limits.age }, dropped)
    }

    /// Whether the queue has room for the event, or is closed.
    pub(super) fn has_room_for(&self, change: &Change) -> bool {
        let fits = self.bytes + bytes_of(change) <= self.limits.bytes;
        self.is_closed || self.waiting.is_empty() || (fits && self.waiting.len() < self.limits.events)
    }

    /// The next event, which the handler processes from now on.
    pub(super) fn take(&mut self) -> Option<Change> {
        let next = self.pop()?;
        self.current = Some(next.clone());
        Some(next)
    }

    /// Notes that the handler has finished its event.
    pub(super) fn done(&mut self) {
        self.current = None;
    }

    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The events that the handler has not finished, in order.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = &Change> {
        self.current.iter().chain(self.waiting.iter().map(|waiting| &waiting.change))
    }

    fn is_aged(&self, now: Instant) -> bool {
        self.waiting.front().is_some_and(|oldest| now >= oldest.since + self.limits.age)
    }

    fn push(&mut self, change: &Change, now: Instant) {
        if let (true, Some(row)) = (self.limits.conflate, row_of(change)) {
            self.latest.insert(row, self.left + self.waiting.len() as u64);
        }
        let bytes = bytes_of(change);
        self.bytes += bytes;
        self.waiting.push_back(Waiting { change: change.clone(), bytes, since: now });
    }

    fn pop(&mut self) -> Option<Change> {
        let Waiting { change, bytes, .. } = self.waiting.pop_front()?;
        if let (true, Some(row)) = (self.limits.conflate, row_of(&change))
            && self.latest.get(&row) == Some(&self.left)
        {
            self.latest.remove(&row);
        }
        self.bytes -= bytes;
        self.left += 1;
        Some(change)
    }

    /// Replaces the last waiting event of the same row. Returns `false` if there is none, or if the new event is too large.
    fn replace(&mut self, change: &Change) -> bool {
        let index = row_of(change).and_then(|row| self.latest.get(&row));
        let index = index.and_then(|number| usize::try_from(number - self.left).ok());
        let Some(waiting) = index.and_then(|index| self.waiting.get_mut(index)) else { return false };
        let bytes = bytes_of(change);
        let after = self.bytes - waiting.bytes + bytes;
        if after > self.limits.bytes.max(self.bytes) {
            return false;
        }
        waiting.change = change.clone();
        waiting.bytes = bytes;
        self.bytes = after;
        true
    }
}

fn row_of(change: &Change) -> Option<(String, String)> {
    change.row().map(|(table, key)| (table.to_owned(), key.to_owned()))
}

/// The size of an event for the bound: its texts, its value and a fixed overhead.
fn bytes_of(change: &Change) -> usize {
    const OVERHEAD: usize = 100;
    let (table, key) = change.row().unwrap_or_default();
    let value = match &change.event.value {
        pubsub_api::Value::Nil => 0,
        pubsub_api::Value::Text(text) => text.len(),
        pubsub_api::Value::Other(bytes) => bytes.len(),
    };
    OVERHEAD + table.len() + key.len() + change.event.topic.as_bytes().len() + value
}
