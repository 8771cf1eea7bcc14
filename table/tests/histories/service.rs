use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use delivery::{Mark, Position, SyncReply, SyncReplyKind, SyncRequest};
use pubsub_api::{Envelope, Event, Stamp, Topic};

/// A publisher, as docs/design.md#delivery describes it, at its simplest.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) publisher: u64,
    pub(crate) epoch: u64,
    topics: BTreeMap<Topic, Line>,
    /// All that is kept, of all topics, in order.
    ring: VecDeque<(Topic, u64, Envelope)>,
    /// The epochs that are remembered.
    epochs: Vec<u64>,
    ring_events: usize,
    /// Topics that are not known begin above this number.
    floor: u64,
}

/// One topic.
#[derive(Debug, Default)]
struct Line {
    last: u64,
    /// For each remembered epoch, the last number before it.
    before: BTreeMap<u64, u64>,
    /// The latest event of each key.
    latest: BTreeMap<String, Envelope>,
    /// The topic was retired before: what is older than the latest events is not among them.
    is_unseeded: bool,
}

/// There are lower ones for clocks that go back.
const FIRST_EPOCH: u64 = 1_000_000;

impl Service {
    pub(crate) fn new(publisher: u64, ring_events: usize) -> Self {
        Self {
            publisher,
            epoch: FIRST_EPOCH,
            topics: BTreeMap::new(),
            ring: VecDeque::new(),
            epochs: vec![FIRST_EPOCH],
            ring_events,
            floor: 0,
        }
    }

    fn stamp(&self, number: u64, now: Duration) -> Stamp {
        let time_us = self.clock(now);
        Stamp { publisher: self.publisher, epoch: self.epoch, sequence: number, time_us }
    }

    /// What its clock shows: each publisher's is hours apart from the others'.
    fn clock(&self, now: Duration) -> u64 {
        let hours = Duration::from_secs(3600) * (self.publisher % 5) as u32;
        (hours + now).as_micros() as u64
    }

    pub(crate) fn publish(&mut self, event: Event, now: Duration) -> Envelope {
        let (epoch, publisher, time_us) = (self.epoch, self.publisher, self.clock(now));
        let epochs = self.epochs.clone();
        let floor = self.floor;
        let line = self.topics.entry(event.topic.clone()).or_insert_with(|| Line {
            last: floor,
            before: epochs.iter().map(|epoch| (*epoch, floor)).collect(),
            is_unseeded: floor > 0,
            ..Line::default()
        });
        line.last += 1;
        let stamp = Stamp { publisher, epoch, sequence: line.last, time_us };
        let key = event.key.clone().expect("rows have keys");
        let envelope = Envelope::pack(&Event { stamp: Some(stamp), ..event }).expect("a small event");
        line.latest.insert(key, envelope.clone());
        self.ring.push_back((envelope.topic.clone(), line.last, envelope.clone()));
        if self.ring.len() > self.ring_events {
            self.ring.pop_front();
        }
        envelope
    }

    /// Started again, with its file or without; without it, its clock may have gone back by this time.
    pub(crate) fn restart(&mut self, keeps_file: bool, clock_back: u64) {
        self.epoch += 1;
        if !keeps_file {
            self.epoch -= clock_back;
            self.topics.clear();
            self.ring.clear();
            self.epochs.clear();
            self.floor = 0;
        }
        self.epochs.push(self.epoch);
        for line in self.topics.values_mut() {
            line.before.insert(self.epoch, line.last);
        }
    }

    /// Forgets a topic, which had its marks long ago: that one, if it was there.
    pub(crate) fn retire(&mut self, topic: &Topic, now: Duration) -> Option<Envelope> {
        let mark = self.topics.contains_key(topic).then(|| self.mark(topic, now))?;
        let line = self.topics.remove(topic)?;
        self.ring.retain(|(of, ..)| of != topic);
        self.floor = self.floor.max(line.last + 1);
        Some(mark)
    }

    pub(crate) fn marks(&self, now: Duration) -> Vec<Envelope> {
        self.topics.keys().map(|topic| self.mark(topic, now)).collect()
    }

    fn mark(&self, topic: &Topic, now: Duration) -> Envelope {
        let line = &self.topics[topic];
        let prev = self.epochs.iter().rev().nth(1).map(|epoch| Position {
            epoch: *epoch,
            sequence: line.before.get(&self.epoch).copied().unwrap_or(0),
        });
        let (stamp, oldest) = (self.stamp(line.last, now), self.oldest(topic, line.last));
        Mark { topic: topic.clone(), stamp, oldest, prev }.pack().expect("a small mark")
    }

    fn oldest(&self, topic: &Topic, last: u64) -> u64 {
        self.ring.iter().find(|(of, ..)| of == topic).map_or(last + 1, |(_, number, _)| *number)
    }

    /// Answers a request; `busy` for all that it wants.
    pub(crate) fn answer(&self, request: &Envelope, busy: bool, now: Duration) -> Vec<Envelope> {
        let SyncRequest { id, items } = SyncRequest::read(request).expect("our own request");
        let mut answers = Vec::new();
        for want in items {
            let (kind, at, parts) = if busy {
                (SyncReplyKind::Busy { retry_after: Duration::from_millis(200) }, 0, Vec::new())
            } else {
                self.answer_about(&want.topic, want.position)
            };
            let epochs = match kind {
                SyncReplyKind::Snapshot { .. } => self.epochs.clone(),
                _ => Vec::new(),
            };
            let head = SyncReply { id, topic: want.topic, stamp: self.stamp(at, now), kind, epochs };
            answers.push(head.pack().expect("a small head"));
            answers.extend(parts);
        }
        answers
    }

    fn answer_about(&self, topic: &Topic, at: Position) -> (SyncReplyKind, u64, Vec<Envelope>) {
        let empty = Line { last: self.floor, ..Line::default() };
        let line = self.topics.get(topic).unwrap_or(&empty);
        let is_known = self.knows(line, at);
        if is_known && at.sequence + 1 >= self.oldest(topic, line.last) {
            let missing = self.ring.iter().filter(|(of, number, _)| of == topic && *number > at.sequence);
            let parts: Vec<Envelope> = missing.map(|(.., envelope)| envelope.clone()).collect();
            return (SyncReplyKind::Replay { count: parts.len() as u64 }, line.last, parts);
        }
        if is_known && !line.is_unseeded {
            let parts: Vec<Envelope> = line.latest.values().cloned().collect();
            let kind = SyncReplyKind::Snapshot { count: parts.len() as u64, since: self.epochs[0] };
            return (kind, line.last, parts);
        }
        (SyncReplyKind::Unknown, line.last, Vec::new())
    }

    fn knows(&self, line: &Line, at: Position) -> bool {
        let Some(place) = self.epochs.iter().position(|epoch| *epoch == at.epoch) else { return false };
        let before = |epoch: &u64| line.before.get(epoch).copied().unwrap_or(self.floor);
        let end = self.epochs.get(place + 1).map_or(line.last, before);
        at.sequence == 0 || (before(&at.epoch)..=end).contains(&at.sequence)
    }
}
