use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use bytes::{Bytes, BytesMut};

use super::filter::Filter;
use crate::pubsub::wire::{RespFrame, command};

/// The requested and the confirmed subscriptions of one connection: a state machine without I/O.
///
/// A server answers in the order of the requests, and delivered events come between the answers at their place. So at each
/// event, the confirmed set is the set that the server had when it accepted the event: a channel that several filters match
/// arrives several times, and exactly one copy is delivered.
#[derive(Debug, Default)]
pub(super) struct SentSubscriptions {
    /// Requests without an answer, in order.
    pending: VecDeque<PendingRequest>,
    /// The number of these that are for a filter.
    unanswered: usize,
    /// The latest request for each wanted filter.
    filters: HashMap<Filter, FilterState>,
    channels: HashSet<Bytes>,
    prefixes: BTreeSet<String>,
}

#[derive(Debug)]
enum PendingRequest {
    Subscribe(Filter),
    Unsubscribe(Filter),
    Ping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FilterState {
    Requested,
    Confirmed,
    Refused,
}

/// The meaning of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerMessage {
    /// An event.
    Event(Bytes, Bytes),
    /// An event larger than the limit.
    TooBig,
    /// The server delivers this filter from here on.
    Confirmed(Filter),
    /// The server refuses this filter, with its text.
    Refused(Filter, String),
    /// Nothing to do; it only shows that the server is alive.
    Nothing,
}

impl SentSubscriptions {
    /// Subscribes to new filters, and then unsubscribes from filters that are not wanted any more.
    pub(super) fn update(&mut self, wanted: &BTreeSet<Filter>, out: &mut BytesMut) {
        for filter in wanted {
            if !self.filters.contains_key(filter) {
                self.subscribe(filter.clone(), out);
            }
        }
        let unwanted: Vec<Filter> =
            self.filters.keys().filter(|filter| !wanted.contains(filter)).cloned().collect();
        for filter in unwanted {
            if self.filters.remove(&filter) != Some(FilterState::Refused) {
                filter.ask(false, out);
                self.pending.push_back(PendingRequest::Unsubscribe(filter));
            }
        }
    }

    /// Requests refused filters again.
    pub(super) fn retry(&mut self, out: &mut BytesMut) {
        let refused: Vec<Filter> = self.refused().cloned().collect();
        for filter in refused {
            self.subscribe(filter, out);
        }
    }

    fn subscribe(&mut self, filter: Filter, out: &mut BytesMut) {
        filter.ask(true, out);
        self.filters.insert(filter.clone(), FilterState::Requested);
        self.pending.push_back(PendingRequest::Subscribe(filter));
        self.unanswered += 1;
    }

    /// Requests an answer to show that the server is alive.
    pub(super) fn ping(&mut self, out: &mut BytesMut) {
        command(out, &[b"PING"]);
        self.pending.push_back(PendingRequest::Ping);
    }

    /// Whether every filter was answered.
    pub(super) fn is_settled(&self) -> bool {
        self.unanswered == 0
    }

    /// The wanted filters that the server refuses, in any order.
    pub(super) fn refused(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter().filter(|(_, state)| **state == FilterState::Refused).map(|(filter, _)| filter)
    }

    /// Whether the server refuses a wanted filter.
    pub(super) fn has_refused(&self) -> bool {
        self.refused().next().is_some()
    }

    /// Handles a frame. `None` if the server may not send it here.
    pub(super) fn on(&mut self, frame: RespFrame) -> Option<ServerMessage> {
        let parts = match frame {
            RespFrame::List(parts) => parts,
            RespFrame::Status(_) => {
                return matches!(self.pending.pop_front()?, PendingRequest::Ping)
                    .then_some(ServerMessage::Nothing);
            }
            RespFrame::Refused(line) => return self.refusal(line),
            _ => return None,
        };
        let mut parts = parts.into_iter();
        let RespFrame::Bulk(sort) = parts.next()? else { return None };
        let rest = [parts.next(), parts.next(), parts.next()];
        match (&*sort, rest) {
            (b"message", [Some(RespFrame::Bulk(channel)), payload, None]) => event(channel, payload?),
            (b"pmessage", [Some(RespFrame::Bulk(pattern)), Some(RespFrame::Bulk(channel)), payload]) => {
                let payload = payload?;
                if self.is_copy(&pattern, &channel) {
                    Some(ServerMessage::Nothing)
                } else {
                    event(channel, payload)
                }
            }
            (b"subscribe" | b"psubscribe" | b"unsubscribe" | b"punsubscribe", _) => self.confirmed(),
            (b"pong", _) => {
                matches!(self.pending.pop_front()?, PendingRequest::Ping).then_some(ServerMessage::Nothing)
            }
            _ => None,
        }
    }

    fn confirmed(&mut self) -> Option<ServerMessage> {
        match self.pending.pop_front()? {
            PendingRequest::Subscribe(filter) => {
                self.unanswered -= 1;
                match &filter {
                    Filter::Channel(topic) => drop(self.channels.insert(topic.to_bytes())),
                    Filter::Prefix(prefix) => drop(self.prefixes.insert(prefix.clone())),
                }
                if let Some(state) = self.filters.get_mut(&filter) {
                    *state = FilterState::Confirmed;
                }
                Some(ServerMessage::Confirmed(filter))
            }
            PendingRequest::Unsubscribe(filter) => {
                match &filter {
                    Filter::Channel(topic) => drop(self.channels.remove(topic.as_bytes())),
                    Filter::Prefix(prefix) => drop(self.prefixes.remove(prefix)),
                }
                Some(ServerMessage::Nothing)
            }
            PendingRequest::Ping => None,
        }
    }

    fn refusal(&mut self, line: String) -> Option<ServerMessage> {
        match self.pending.pop_front()? {
            PendingRequest::Subscribe(filter) => {
                self.unanswered -= 1;
                if let Some(state) = self.filters.get_mut(&filter) {
                    *state = FilterState::Refused;
                }
                Some(ServerMessage::Refused(filter, line))
            }
            // A refusal shows that the server is alive, like any answer.
            PendingRequest::Unsubscribe(_) | PendingRequest::Ping => Some(ServerMessage::Nothing),
        }
    }

    /// Whether the server sends the same event for the channel itself, or for a shorter prefix of it.
    fn is_copy(&self, pattern: &[u8], channel: &[u8]) -> bool {
        if self.channels.contains(channel) {
            return true;
        }
        // In this order a prefix comes before the longer ones that start with it.
        let first = self.prefixes.iter().find(|prefix| channel.starts_with(prefix.as_bytes()));
        first.is_some_and(|first| Filter::Prefix(first.clone()).name() != pattern)
    }
}

fn event(channel: Bytes, payload: RespFrame) -> Option<ServerMessage> {
    match payload {
        RespFrame::Bulk(payload) => Some(ServerMessage::Event(channel, payload)),
        RespFrame::TooBig => Some(ServerMessage::TooBig),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
