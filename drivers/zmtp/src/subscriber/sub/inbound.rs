use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use bytes::buf::Limit;
use bytes::{BufMut, Bytes, BytesMut};
use pubsub_api::wire::{EventRef, MAX_RECEIVED_BYTES, WireError};
use pubsub_api::{HELLO, Notice, PublisherEpoch, Topic, hello};

use super::counters::LinkCounters;
use super::queue::Item;
use super::received_events::{ReceivedEvents, Span};
use crate::lost::read_lost;
use crate::protocol::{Command, Decoded, EventDecoder, MAX_PING_CONTEXT_BYTES, ProtocolError};
use crate::refused::read_refused;
use crate::wire::{check_topic, refuse};

/// Decodes a publisher's bytes into events and notices. No socket, no clock.
///
/// Events stay in the block that they were read into, and share it. A block has [`BLOCK_BYTES`]; only an event that is
/// larger makes it grow, as its bytes arrive and not as they are announced, and then has it for itself: so what keeps one
/// small event keeps no more than a block.
#[derive(Debug)]
pub(crate) struct Inbound {
    publisher: String,
    block: BytesMut,
    decoder: EventDecoder,
    /// The last topic that was found good: mostly the next event has it too.
    good_topic: Vec<u8>,
    /// Whose hellos came: of one publisher, or of several through a proxy.
    heard: Heard,
    /// These are replies: their events are for the requester, whatever their topic.
    of_replies: bool,
}

/// Whose hellos came over one connection.
#[derive(Debug, Default)]
struct Heard {
    is_proved: bool,
    heard_publishers: VecDeque<PublisherEpoch>,
    /// Those that were not yet reported.
    new: Vec<PublisherEpoch>,
}

/// The most epochs that one connection remembers; one that is forgotten is only reported as new again.
const MAX_EPOCHS: usize = 256;

impl Heard {
    /// Whether this hello is the first one of the connection, or the first of an epoch of a publisher.
    fn is_first(&mut self, epoch: Option<PublisherEpoch>) -> bool {
        let is_first = !std::mem::replace(&mut self.is_proved, true);
        let Some(epoch) = epoch else { return is_first };
        if self.heard_publishers.contains(&epoch) {
            return false;
        }
        if self.heard_publishers.len() >= MAX_EPOCHS {
            self.heard_publishers.pop_front();
        }
        self.heard_publishers.push_back(epoch);
        self.new.push(epoch);
        true
    }
}

/// How much is read at a time, and the size of a block.
pub(crate) const BLOCK_BYTES: usize = 64 * 1024;

/// A block for the largest event, its frame heads included, and what was read together with its end.
const LARGEST_BLOCK_BYTES: usize = MAX_RECEIVED_BYTES + Topic::MAX_RESERVED_BYTES + 2 * 9 + BLOCK_BYTES;

/// What came besides events and notices.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// PINGs, each with its time to live and the context that its PONG echoes.
    pub(crate) pings: Vec<(u16, Context)>,
    /// The publisher stops, and asks for this time before the next connection.
    pub(crate) retry_after: Option<Duration>,
    /// Whether an event came, or a part of one: not only what a proxy answers by itself.
    pub(crate) of_publisher: bool,
}

/// The context of a PING.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    bytes: [u8; MAX_PING_CONTEXT_BYTES],
    length: usize,
}

impl Context {
    fn new(context: &[u8]) -> Self {
        let mut bytes = [0; MAX_PING_CONTEXT_BYTES];
        for (place, byte) in bytes.iter_mut().zip(context) {
            *place = *byte;
        }
        Self { bytes, length: context.len().min(MAX_PING_CONTEXT_BYTES) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Inbound {
    /// For a new connection to `publisher`, on which `arrived` followed the handshake.
    pub(crate) fn new(publisher: &str, arrived: &[u8]) -> Self {
        let mut block = BytesMut::with_capacity(BLOCK_BYTES);
        block.extend_from_slice(arrived);
        Self {
            publisher: publisher.to_owned(),
            block,
            decoder: EventDecoder::default(),
            good_topic: Vec::new(),
            heard: Heard::default(),
            of_replies: false,
        }
    }

    /// The same for a connection for requests: every event is an event.
    pub(crate) fn of_replies(publisher: &str, arrived: &[u8]) -> Self {
        Self { of_replies: true, ..Self::new(publisher, arrived) }
    }

    /// Whether a hello came.
    pub(crate) fn is_proved(&self) -> bool {
        self.heard.is_proved
    }

    /// The epochs whose first hello arrived since the last call.
    pub(crate) fn new_epochs(&mut self) -> Vec<PublisherEpoch> {
        std::mem::take(&mut self.heard.new)
    }

    /// Where to read the next bytes into.
    pub(crate) fn room(&mut self) -> Limit<&mut BytesMut> {
        let (held, free) = (self.block.len(), self.block.capacity() - self.block.len());
        if free < BLOCK_BYTES / 2 {
            if held > BLOCK_BYTES / 2 {
                self.move_to(LARGEST_BLOCK_BYTES.min(2 * held));
            } else if !self.block.try_reclaim(BLOCK_BYTES - held) {
                self.move_to(BLOCK_BYTES);
            }
        }
        let free = self.block.capacity() - self.block.len();
        (&mut self.block).limit(free.min(BLOCK_BYTES))
    }

    /// Goes on in a new block.
    fn move_to(&mut self, capacity: usize) {
        let mut block = BytesMut::with_capacity(capacity);
        block.extend_from_slice(&self.block);
        self.block = block;
    }

    /// Takes all that is whole out of what was read: events and notices are added to `items`.
    ///
    /// # Errors
    /// A [`ProtocolError`] that ends the connection; what came before it is in `items`.
    pub(crate) fn take(
        &mut self,
        items: &mut VecDeque<Item>,
        counters: &LinkCounters,
    ) -> Result<Said, ProtocolError> {
        let mut said = Said::default();
        loop {
            let is_large = self.block.capacity() > BLOCK_BYTES;
            let mut found = Found::default();
            let ended = self.decode(&mut found, &mut said, counters, is_large);
            let block = self.block.split_to(found.used).freeze();
            found.finish(block, items, counters);
            let has_more = ended?;
            said.of_publisher |= !self.block.is_empty();
            if !has_more {
                return Ok(said);
            }
            self.move_to(BLOCK_BYTES.max(self.block.len()));
        }
    }

    /// Finds what is whole, up to the first event if `one`: then `true`, as there may be more.
    fn decode(
        &mut self,
        found: &mut Found,
        said: &mut Said,
        counters: &LinkCounters,
        one: bool,
    ) -> Result<bool, ProtocolError> {
        let Self { publisher, block, decoder, good_topic, heard, of_replies } = self;
        loop {
            let rest = block.get(found.used..).unwrap_or_default();
            let (used, decoded) = decoder.next(rest)?;
            let start = found.used;
            found.used += used;
            match decoded {
                Decoded::Incomplete => return Ok(false),
                Decoded::Dropped(cause) => refuse(cause, &counters.dropped),
                Decoded::Command(Command::Ping { ttl, context }) => {
                    said.pings.push((ttl, Context::new(context)))
                }
                Decoded::Command(Command::RetryAfter(time)) => said.retry_after = Some(time),
                Decoded::Command(_) => {}
                Decoded::Event { topic, payload } => {
                    said.of_publisher = true;
                    let parts = (
                        rest.get(topic.clone()).unwrap_or_default(),
                        rest.get(payload.clone()).unwrap_or_default(),
                    );
                    let span = Span { topic: shift(topic, start), payload: shift(payload, start) };
                    match judge(publisher, parts.0, parts.1, good_topic, *of_replies) {
                        Ok(Kind::Event) => found.event(span, false),
                        Ok(Kind::Lost(events)) => found.notice(gap(events)),
                        Ok(Kind::Refused(notice)) => found.notice(notice),
                        Ok(Kind::Hello) => {
                            let publisher_epoch = hello::publisher_epoch(parts.1);
                            if heard.is_first(publisher_epoch) {
                                let publisher = publisher.clone();
                                found.notice(Notice::Subscribed { publisher, publisher_epoch });
                            }
                            found.event(span, true);
                        }
                        Err(refused) => refuse(refused, &counters.dropped),
                    }
                    if one {
                        return Ok(true);
                    }
                }
            }
        }
    }
}

fn shift(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

/// What an event is to the link.
enum Kind {
    Event,
    Hello,
    /// The publisher reports that this number of events is missing at this place.
    Lost(u64),
    /// The publisher reports that it refuses a subscription.
    Refused(Notice),
}

fn judge(
    publisher: &str,
    topic: &[u8],
    payload: &[u8],
    good_topic: &mut Vec<u8>,
    of_replies: bool,
) -> Result<Kind, WireError> {
    if topic == HELLO.as_bytes() && !of_replies {
        // Only a hello proves the link: a publisher that has none must not be found dead for want of more.
        EventRef::read(topic, payload)?;
        let refused = || read_refused(publisher, payload).map(Kind::Refused);
        return Ok(read_lost(payload).map(Kind::Lost).or_else(refused).unwrap_or(Kind::Hello));
    }
    check_topic(topic, good_topic)?;
    Ok(Kind::Event)
}

fn gap(events: u64) -> Notice {
    let reason = "this subscriber was further behind than the publisher's fanout_log_bytes hold".to_owned();
    Notice::Gap { topic: None, events, reason }
}

/// What one pass over a block found, in order, before the block is cut off.
#[derive(Default)]
struct Found {
    used: usize,
    pieces: Vec<Piece>,
    received: u64,
    missed: u64,
}

enum Piece {
    Events(VecDeque<Span>),
    Notice(Notice),
}

impl Found {
    fn event(&mut self, span: Span, is_hello: bool) {
        self.received += u64::from(!is_hello);
        match self.pieces.last_mut() {
            Some(Piece::Events(spans)) => spans.push_back(span),
            _ => self.pieces.push(Piece::Events(VecDeque::from([span]))),
        }
    }

    fn notice(&mut self, notice: Notice) {
        if let Notice::Gap { events, .. } = &notice {
            self.missed = self.missed.saturating_add(*events);
        }
        self.pieces.push(Piece::Notice(notice));
    }

    fn finish(self, block: Bytes, items: &mut VecDeque<Item>, counters: &LinkCounters) {
        counters.received.add(self.received);
        counters.missed.add(self.missed);
        items.extend(self.pieces.into_iter().map(|piece| match piece {
            Piece::Events(spans) => Item::Events(ReceivedEvents::new(block.clone(), spans)),
            Piece::Notice(notice) => Item::Notice(notice),
        }));
    }
}

#[cfg(test)]
mod tests;
