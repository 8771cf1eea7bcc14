use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::Change;

/// The bounds of what waits for one handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// How many events.
    pub events: usize,
    /// How many bytes they have together; one event may have more, and then waits alone.
    pub bytes: usize,
    /// For how long a full queue may hold up the agent.
    pub age: Duration,
    /// Whether an event takes the place of the one of its row that waits, when the queue is full or its oldest event has
    /// waited too long.
    pub conflate: bool,
}

/// What waits for one handler, and what it has in its hands. No clock: the time comes in.
#[derive(Debug)]
pub(super) struct Queue {
    limits: QueueLimits,
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// How many have left; an event's number minus this is its place.
    left: u64,
    /// The number of the event of each row that waits, if any may be replaced.
    latest: HashMap<(String, String), u64>,
    in_hand: Option<Change>,
    is_closed: bool,
}

#[derive(Debug)]
struct Waiting {
    change: Change,
    bytes: usize,
    since: Instant,
}

/// What became of an event that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) answer: Answer,
    /// How many events that had waited too long were dropped to make room.
    pub(super) dropped: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    /// It took the place of another event of its row.
    Conflated,
    /// Offer it again when there is room, or when the oldest has waited too long.
    Full {
        until: Instant,
    },
    /// Nobody takes anything any more.
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
            in_hand: None,
            is_closed: false,
        }
    }

    pub(super) fn offer(&mut self, change: &Change, now: Instant) -> Offer {
        let offer = |answer, dropped| Offer { answer, dropped };
        if self.is_closed {
            return offer(Answer::Closed, 0);
        }
        let (has_room, is_aged) = (self.has_room_for(change), self.is_aged(now));
        if self.limits.conflate && (is_aged || !has_room) && self.replace(change) {
            return offer(Answer::Conflated, 0);
        }
        let mut dropped = 0;
        if !has_room {
            while self.is_aged(now) && self.pop().is_some() {
                dropped += 1;
            }
        }
        if self.has_room_for(change) {
            self.push(change, now);
            return offer(Answer::Taken, dropped);
        }
        let oldest = self.waiting.front().map_or(now, |oldest| oldest.since);
        offer(Answer::Full { until: oldest + self.limits.age }, dropped)
    }

    /// Whether an event would not have to wait for room.
    pub(super) fn has_room_for(&self, change: &Change) -> bool {
        let fits = self.bytes + bytes_of(change) <= self.limits.bytes;
        self.is_closed || self.waiting.is_empty() || (fits && self.waiting.len() < self.limits.events)
    }

    /// The next event, into the handler's hands.
    pub(super) fn take(&mut self) -> Option<Change> {
        let next = self.pop()?;
        self.in_hand = Some(next.clone());
        Some(next)
    }

    /// The handler is done with what it had.
    pub(super) fn done(&mut self) {
        self.in_hand = None;
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

    /// What the handler is not done with, in order.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = &Change> {
        self.in_hand.iter().chain(self.waiting.iter().map(|waiting| &waiting.change))
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

    /// Puts it in the place of the last event of its row that waits; false if none does, or if it is too large.
    fn replace(&mut self, change: &Change) -> bool {
        let place = row_of(change).and_then(|row| self.latest.get(&row));
        let place = place.and_then(|number| usize::try_from(number - self.left).ok());
        let Some(waiting) = place.and_then(|place| self.waiting.get_mut(place)) else { return false };
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

/// What an event is reckoned for: its texts and value, and its frame.
fn bytes_of(change: &Change) -> usize {
    const FRAME: usize = 100;
    let (table, key) = change.row().unwrap_or_default();
    let value = match &change.event.value {
        pubsub_api::Value::Nil => 0,
        pubsub_api::Value::Text(text) => text.len(),
        pubsub_api::Value::Other(bytes) => bytes.len(),
    };
    FRAME + table.len() + key.len() + change.event.topic.as_bytes().len() + value
}
