//! Replies to one requester.

use std::time::Duration;

use bytes::Bytes;
use pubsub_api::{Batch, Error, ErrorKind, PeerId, Result, Topic, wire};

use super::{Fanout, Places};
use crate::protocol::put_event;
use crate::request::router::replies::{CHUNK_BYTES, NoRoom};

/// The most bytes that the two frame heads of an event have (RFC 37, "flags size").
const HEADS_BYTES: usize = 2 * 9;

impl Fanout {
    /// Sends the events of a batch to one requester, as [`pubsub_api::Requests::answer`] has it.
    pub(crate) async fn answer(&self, peer: PeerId, batch: &mut Batch) -> Result<()> {
        let Some(replies) = self.core.requesters.get(peer) else { return Err(self.refuse(NoRoom::Gone)) };
        let Some(shard) = self.shards.get(Places::shard_of(peer, self.shards.len())) else {
            return Err(self.refuse(NoRoom::Gone));
        };
        while !batch.is_empty() {
            let room = replies.room(self.patience()).await;
            let Part { chunks, events, wrong } = encode(batch, room.map_err(|no_room| self.refuse(no_room))?);
            if !replies.put(chunks) {
                return Err(self.refuse(NoRoom::Gone));
            }
            batch.advance(events);
            self.core.counters.answered.add(events as u64);
            shard.leave_replies_of(peer);
            if let Some(wrong) = wrong {
                return Err(wrong);
            }
        }
        Ok(())
    }

    /// A requester that reads slowly makes room in steps, of a third of its socket's send buffer.
    fn patience(&self) -> Duration {
        self.core.settings.dead_after * 10
    }

    fn refuse(&self, no_room: NoRoom) -> Error {
        if self.core.is_stopping() {
            return Error::closed("publisher");
        }
        let text = match no_room {
            NoRoom::Gone => "the requester disconnected; it sends its request again".to_owned(),
            NoRoom::Stalled => {
                let patience = self.patience();
                format!("the requester read nothing of its reply for {patience:?} (ten times dead_after)")
            }
        };
        Error::new(ErrorKind::Unavailable, text)
    }
}

/// The beginning of a batch, encoded.
struct Part {
    chunks: Vec<Vec<u8>>,
    /// How many events are in the chunks.
    events: usize,
    /// Why the event after them cannot be sent.
    wrong: Option<Error>,
}

/// Encodes events up to `room` bytes and one event more.
fn encode(batch: &Batch, room: usize) -> Part {
    let mut part = Part { chunks: Vec::new(), events: 0, wrong: None };
    let (mut bytes, mut chunk) = (0, Vec::with_capacity(room.min(CHUNK_BYTES)));
    // Events of one topic come together: it is checked once.
    let mut last: &[u8] = &[];
    for event in batch.iter() {
        if bytes >= room {
            break;
        }
        if let Err(wrong) = check(event.topic, last, event.payload) {
            part.wrong = Some(wrong);
            break;
        }
        last = event.topic;
        let length = event.topic.len() + event.payload.len() + HEADS_BYTES;
        if !chunk.is_empty() && chunk.len() + length > CHUNK_BYTES {
            part.chunks.push(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES.max(length))));
        }
        put_event(&mut chunk, event.topic, event.payload);
        bytes += length;
        part.events += 1;
    }
    part.chunks.extend((!chunk.is_empty()).then_some(chunk));
    part
}

fn check(topic: &[u8], good: &[u8], payload: &[u8]) -> Result<()> {
    if topic != good {
        Topic::new(Bytes::copy_from_slice(topic))?;
    }
    wire::check_size(payload)
}
