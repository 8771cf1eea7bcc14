use std::ops::Range;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{Batch, CauseCounter, PeerId};

use super::numbering::{Breach, Heard, Numbering, OUT_OF_TURN};
use crate::protocol::{Command, Decoded, EventDecoder};
use crate::subscriber::pull::publish_rights::PublishRights;
use crate::wire::{check_topic, refuse};

/// The bytes of one worker, read in blocks and taken apart into events.
///
/// A block begins small and doubles as long as reads fill it, so that an idle worker costs little and a busy one few system
/// calls. What is not yet a whole event moves to the next block: at most one event, which the decoder bounds.
#[derive(Debug)]
pub(super) struct WorkerBytes {
    arrived: BytesMut,
    decoder: EventDecoder,
    /// The last topic frame that was one.
    good_topic: Vec<u8>,
    numbering: Numbering,
    rights: PublishRights,
    read_bytes: usize,
    /// The number of events in the last block.
    last_events: usize,
}

/// The largest read: small enough for the block to stay in the processor's cache until it is written out.
const MAX_READ_BYTES: usize = 256 * 1024;

const MIN_READ_BYTES: usize = 4 * 1024;

/// What came apart.
#[derive(Debug, Default)]
pub(super) struct TakenApart {
    pub(super) batch: Batch,
    /// The size of the block that the batch keeps.
    pub(super) bytes: usize,
    /// The time to live of the last PING, in tenths of a second.
    pub(super) pinged: Option<u16>,
    /// PONGs to be sent.
    pub(super) answers: Vec<u8>,
    /// The events that the worker may not publish, each described; they are dropped.
    pub(super) refused: Vec<String>,
    /// What followed and ends the connection.
    pub(super) broken: Option<Breach>,
}

/// PONGs beyond this are not sent: no peer needs more in one read.
const MAX_ANSWER_BYTES: usize = 4096;

impl WorkerBytes {
    /// Nothing yet, of a worker with these rights.
    pub(super) fn new(rights: PublishRights) -> Self {
        Self {
            arrived: BytesMut::new(),
            decoder: EventDecoder::default(),
            good_topic: Vec::new(),
            numbering: Numbering::default(),
            rights,
            read_bytes: MIN_READ_BYTES,
            last_events: 0,
        }
    }

    /// Room for the next read.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        self.arrived.reserve(self.read_bytes);
        &mut self.arrived
    }

    /// `bytes` were read. Returns whether there may be more at once.
    pub(super) fn was_read(&mut self, count: usize) -> bool {
        let filled = count >= self.read_bytes;
        if filled {
            self.read_bytes = (self.read_bytes * 2).min(MAX_READ_BYTES);
        } else if count < self.read_bytes / 8 {
            self.read_bytes = (self.read_bytes / 2).max(MIN_READ_BYTES);
        }
        filled
    }

    /// Whether something is there that is not yet whole.
    pub(super) fn is_cut_off(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// What was read during the handshake and is already traffic; how many bytes of it were used up there.
    pub(super) fn handshake(&mut self, used: usize) {
        let _ = self.arrived.split_to(used.min(self.arrived.len()));
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.arrived
    }

    /// The worker is a DEALER: it may introduce itself, and put an empty frame before each message.
    pub(super) fn is_of_a_dealer(&mut self, peer: PeerId) {
        self.decoder = EventDecoder::default().accepting_delimiters();
        self.numbering = Numbering::Open(peer);
    }

    /// Whether the worker's events are numbered, so that it expects acknowledgements.
    pub(super) fn are_numbered(&self) -> bool {
        self.numbering.numbers()
    }

    /// All whole events and commands.
    pub(super) fn take_apart(&mut self, dropped: &CauseCounter) -> TakenApart {
        let mut apart = TakenApart::default();
        let mut found = Found { events: Vec::with_capacity(self.last_events), messages: 0 };
        let mut used = 0;
        while apart.broken.is_none() {
            let rest = self.arrived.get(used..).unwrap_or_default();
            let (count, decoded) = match self.decoder.next(rest) {
                Ok(next) => next,
                Err(error) => {
                    apart.broken = Some(Breach::Protocol(error));
                    break;
                }
            };
            match decoded {
                Decoded::Incomplete => {
                    used += count;
                    break;
                }
                Decoded::Event { topic, payload } => {
                    let frame = rest.get(topic.clone()).unwrap_or_default();
                    let map = rest.get(payload.clone()).unwrap_or_default();
                    match self.numbering.on(frame, map) {
                        Heard::Event => match check_topic(frame, &mut self.good_topic) {
                            Ok(()) if !self.rights.allow(frame, map) => {
                                found.messages += 1;
                                apart.refused.push(described(frame, map));
                            }
                            Ok(()) => found.event(used, topic, payload),
                            Err(cause) => found.dropped(cause, dropped),
                        },
                        Heard::Introduction => {}
                        Heard::Stray => stray(dropped),
                        Heard::Breach(breach) => apart.broken = Some(breach),
                    }
                }
                Decoded::Dropped(cause) => {
                    self.numbering.on_other();
                    found.dropped(cause, dropped);
                }
                Decoded::Command(Command::Ping { ttl, context }) => apart.ping(ttl, context),
                Decoded::Command(_) => {}
            }
            used += count;
        }
        let block = self.arrived.split_to(used).freeze();
        self.last_events = found.events.len();
        found.put_into(&mut apart, block, &mut self.numbering);
        apart
    }
}

impl TakenApart {
    fn ping(&mut self, ttl: u16, context: &[u8]) {
        self.pinged = Some(ttl);
        if self.answers.len() < MAX_ANSWER_BYTES {
            Command::put_pong(&mut self.answers, context);
        }
    }
}

/// The messages of one block.
#[derive(Debug, Default)]
struct Found {
    /// Topic and payload in the block, and which message of it that is.
    events: Vec<(Range<usize>, Range<usize>, u32)>,
    messages: u32,
}

impl Found {
    fn event(&mut self, start: usize, topic: Range<usize>, payload: Range<usize>) {
        let behind = |range: Range<usize>| range.start + start..range.end + start;
        self.events.push((behind(topic), behind(payload), self.messages));
        self.messages += 1;
    }

    /// Its number is used up.
    fn dropped(&mut self, cause: WireError, tally: &CauseCounter) {
        self.messages += 1;
        refuse(cause, tally);
    }

    fn put_into(self, apart: &mut TakenApart, block: Bytes, numbering: &mut Numbering) {
        let source = numbering.use_up(self.messages, &mut apart.batch);
        if self.events.is_empty() {
            return;
        }
        apart.bytes = block.len();
        let block = apart.batch.add_block(block);
        apart.batch.reserve(self.events.len());
        for (topic, payload, nth) in self.events {
            // Both lie within the block: the decoder has seen them there.
            let is_added = apart.batch.push_span(block, topic, payload);
            if let Some(source) = source.filter(|_| is_added) {
                apart.batch.number_last(source, nth);
            }
        }
    }
}

/// An event by its topic and table, for people.
fn described(topic: &[u8], map: &[u8]) -> String {
    let table = EventRef::read(topic, map).ok().and_then(|event| event.table.map(str::to_owned));
    let table = table.map_or_else(|| "no table".to_owned(), |table| format!("table {table:?}"));
    format!("an event on topic {:?} with {table}", String::from_utf8_lossy(topic))
}

fn stray(dropped: &CauseCounter) {
    if let Some(times) = dropped.count(OUT_OF_TURN, Instant::now()) {
        tracing::warn!(
            id = "SK0706",
            times,
            "dropped a control message from a worker that has not introduced itself"
        );
    }
}
