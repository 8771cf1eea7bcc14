use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use bytes::{Bytes, BytesMut};

use super::filter::Filter;
use crate::pubsub::wire::{Frame, command};

/// What one connection was asked for, and what its server has confirmed: a state machine without I/O.
///
/// A server answers in the order in which it was asked, and what it delivers stands between the answers as it was at that
/// place. So the set of what is confirmed is, at each event, what the server had when it took the event: a channel that
/// several filters match comes several times, and one of them is delivered.
#[derive(Debug, Default)]
pub(super) struct Placement {
    /// What was asked and is not answered, in order.
    asked: VecDeque<Asked>,
    /// How many of these are for a filter.
    placing: usize,
    /// What was asked for last, of each filter that is wanted.
    placed: HashMap<Filter, Placed>,
    channels: HashSet<Bytes>,
    prefixes: BTreeSet<String>,
}

#[derive(Debug)]
enum Asked {
    Place(Filter),
    TakeAway(Filter),
    Ping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    Asked,
    Confirmed,
    Refused,
}

/// What a frame means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// An event.
    Event(Bytes, Bytes),
    /// An event larger than any may be.
    TooBig,
    /// The server delivers this from here on.
    Confirmed(Filter),
    /// The server does not deliver this, in its words.
    Refused(Filter, String),
    /// Nothing that matters to anyone, but that the server lives.
    Nothing,
}

impl Placement {
    /// Asks for what is wanted and was not asked for, and then no longer for what is not wanted.
    pub(super) fn want(&mut self, wanted: &BTreeSet<Filter>, out: &mut BytesMut) {
        for filter in wanted {
            if !self.placed.contains_key(filter) {
                self.place(filter.clone(), out);
            }
        }
        let unwanted: Vec<Filter> =
            self.placed.keys().filter(|filter| !wanted.contains(filter)).cloned().collect();
        for filter in unwanted {
            if self.placed.remove(&filter) != Some(Placed::Refused) {
                filter.ask(false, out);
                self.asked.push_back(Asked::TakeAway(filter));
            }
        }
    }

    /// Asks once more for what was refused.
    pub(super) fn retry(&mut self, out: &mut BytesMut) {
        let refused: Vec<Filter> = self.refused().cloned().collect();
        for filter in refused {
            self.place(filter, out);
        }
    }

    fn place(&mut self, filter: Filter, out: &mut BytesMut) {
        filter.ask(true, out);
        self.placed.insert(filter.clone(), Placed::Asked);
        self.asked.push_back(Asked::Place(filter));
        self.placing += 1;
    }

    /// Asks for a sign of life.
    pub(super) fn ping(&mut self, out: &mut BytesMut) {
        command(out, &[b"PING"]);
        self.asked.push_back(Asked::Ping);
    }

    /// Whether every filter was answered.
    pub(super) fn is_settled(&self) -> bool {
        self.placing == 0
    }

    /// Which of the filters that are wanted the server refuses, in no order.
    pub(super) fn refused(&self) -> impl Iterator<Item = &Filter> {
        self.placed.iter().filter(|(_, placed)| **placed == Placed::Refused).map(|(filter, _)| filter)
    }

    /// Whether the server refuses something that is wanted.
    pub(super) fn has_refused(&self) -> bool {
        self.refused().next().is_some()
    }

    /// Takes what came. `None` if a server says no such thing here.
    pub(super) fn on(&mut self, frame: Frame) -> Option<Heard> {
        let parts = match frame {
            Frame::List(parts) => parts,
            Frame::Status(_) => {
                return matches!(self.asked.pop_front()?, Asked::Ping).then_some(Heard::Nothing);
            }
            Frame::Refused(line) => return self.refusal(line),
            _ => return None,
        };
        let mut parts = parts.into_iter();
        let Frame::Bulk(sort) = parts.next()? else { return None };
        let rest = [parts.next(), parts.next(), parts.next()];
        match (&*sort, rest) {
            (b"message", [Some(Frame::Bulk(channel)), payload, None]) => event(channel, payload?),
            (b"pmessage", [Some(Frame::Bulk(pattern)), Some(Frame::Bulk(channel)), payload]) => {
                let payload = payload?;
                if self.is_copy(&pattern, &channel) { Some(Heard::Nothing) } else { event(channel, payload) }
            }
            (b"subscribe" | b"psubscribe" | b"unsubscribe" | b"punsubscribe", _) => self.confirmed(),
            (b"pong", _) => matches!(self.asked.pop_front()?, Asked::Ping).then_some(Heard::Nothing),
            _ => None,
        }
    }

    fn confirmed(&mut self) -> Option<Heard> {
        match self.asked.pop_front()? {
            Asked::Place(filter) => {
                self.placing -= 1;
                match &filter {
                    Filter::Channel(topic) => drop(self.channels.insert(topic.to_bytes())),
                    Filter::Prefix(prefix) => drop(self.prefixes.insert(prefix.clone())),
                }
                if let Some(placed) = self.placed.get_mut(&filter) {
                    *placed = Placed::Confirmed;
                }
                Some(Heard::Confirmed(filter))
            }
            Asked::TakeAway(filter) => {
                match &filter {
                    Filter::Channel(topic) => drop(self.channels.remove(topic.as_bytes())),
                    Filter::Prefix(prefix) => drop(self.prefixes.remove(prefix)),
                }
                Some(Heard::Nothing)
            }
            Asked::Ping => None,
        }
    }

    fn refusal(&mut self, line: String) -> Option<Heard> {
        match self.asked.pop_front()? {
            Asked::Place(filter) => {
                self.placing -= 1;
                if let Some(placed) = self.placed.get_mut(&filter) {
                    *placed = Placed::Refused;
                }
                Some(Heard::Refused(filter, line))
            }
            // Who may not even ask for an answer has been answered.
            Asked::TakeAway(_) | Asked::Ping => Some(Heard::Nothing),
        }
    }

    /// Whether the server says the same once more: for the channel itself, or for a shorter prefix of it.
    fn is_copy(&self, pattern: &[u8], channel: &[u8]) -> bool {
        if self.channels.contains(channel) {
            return true;
        }
        // In this order a prefix stands before the longer ones that begin with it.
        let first = self.prefixes.iter().find(|prefix| channel.starts_with(prefix.as_bytes()));
        first.is_some_and(|first| Filter::Prefix(first.clone()).name() != pattern)
    }
}

fn event(channel: Bytes, payload: Frame) -> Option<Heard> {
    match payload {
        Frame::Bulk(payload) => Some(Heard::Event(channel, payload)),
        Frame::TooBig => Some(Heard::TooBig),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
