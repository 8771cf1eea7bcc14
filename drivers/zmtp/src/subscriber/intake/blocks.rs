use bytes::{Bytes, BytesMut};
use pubsub_api::{Batch, Tally};

use crate::protocol::{Command, Decoded, EventDecoder, ProtocolError};
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
    read_bytes: usize,
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
    /// What came behind all this and ends the connection.
    pub(super) broken: Option<ProtocolError>,
}

/// PONGs beyond this are not given: nobody sends so many PINGs in one read and wants them answered.
const MAX_ANSWER_BYTES: usize = 4096;

impl Default for WorkerBytes {
    fn default() -> Self {
        Self {
            arrived: BytesMut::new(),
            decoder: EventDecoder::default(),
            good_topic: Vec::new(),
            read_bytes: MIN_READ_BYTES,
        }
    }
}

impl WorkerBytes {
    /// Room for the next read.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        self.arrived.reserve(self.read_bytes);
        &mut self.arrived
    }

    /// So many bytes were read; whether there may be more at once.
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

    /// All whole events and commands.
    pub(super) fn take_apart(&mut self, dropped: &Tally) -> TakenApart {
        let mut apart = TakenApart::default();
        let mut events = Vec::new();
        let mut used = 0;
        loop {
            let rest = self.arrived.get(used..).unwrap_or_default();
            let (count, decoded) = match self.decoder.next(rest) {
                Ok(next) => next,
                Err(error) => {
                    apart.broken = Some(error);
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
                    match check_topic(frame, &mut self.good_topic) {
                        Ok(()) => events.push((
                            topic.start + used..topic.end + used,
                            payload.start + used..payload.end + used,
                        )),
                        Err(cause) => refuse(cause, dropped),
                    }
                }
                Decoded::Dropped(cause) => refuse(cause, dropped),
                Decoded::Command(Command::Ping { ttl, context }) => {
                    apart.pinged = Some(ttl);
                    if apart.answers.len() < MAX_ANSWER_BYTES {
                        Command::put_pong(&mut apart.answers, context);
                    }
                }
                Decoded::Command(_) => {}
            }
            used += count;
        }
        let block: Bytes = self.arrived.split_to(used).freeze();
        if !events.is_empty() {
            apart.bytes = block.len();
            let block = apart.batch.add_block(block);
            for (topic, payload) in events {
                // Both lie within the block: the decoder has seen them there.
                let _ = apart.batch.push_span(block, topic, payload);
            }
        }
        apart
    }
}
