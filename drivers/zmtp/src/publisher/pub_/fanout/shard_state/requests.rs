//! The messages of requesters: requests and heartbeats.

use std::time::Instant;

use bytes::Bytes;
use pubsub_api::wire::WireError;
use pubsub_api::{Envelope, Request, Topic};

use crate::protocol::{Command, Decoded};
use crate::publisher::pub_::fanout::close_reason::CloseReason;
use crate::publisher::pub_::fanout::connection::{Connection, Phase};
use crate::publisher::pub_::fanout::core::Core;
use crate::request::router::request_queue::MAX_BYTES_OF_PEER;

/// The largest payload of a request; the queue has room for one of this size with its topic.
pub(super) const MAX_REQUEST_BYTES: usize = MAX_BYTES_OF_PEER;

/// Handles the messages of a requester. Returns the number of bytes that are used up.
pub(super) fn decode_requests(
    connection: &mut Connection,
    arrived: &[u8],
    core: &Core,
    now: Instant,
) -> Result<usize, CloseReason> {
    let (peer, name) = (connection.audience.peer, connection.name());
    let host = Some(connection.address.ip().to_canonical());
    let (account, rights) = (connection.account(), connection.rights().clone());
    let Phase::Requester { heartbeat, decoder, .. } = &mut connection.phase else { return Ok(0) };
    let mut used = 0;
    loop {
        let rest = arrived.get(used..).unwrap_or_default();
        let (count, said) = decoder.next(rest).map_err(CloseReason::Broke)?;
        used += count;
        let dropped = match said {
            Decoded::Incomplete => return Ok(used),
            Decoded::Command(Command::Ping { ttl, context }) => {
                heartbeat.pinged(ttl);
                if !connection.outbox.is_full() {
                    Command::put_pong(connection.outbox.bytes(), context);
                }
                None
            }
            Decoded::Command(_) => None,
            Decoded::Dropped(cause) => Some(cause.cause()),
            Decoded::Event { topic, payload } => {
                let frame = |range| Bytes::copy_from_slice(rest.get(range).unwrap_or_default());
                let request = envelope(frame(topic), frame(payload));
                let (name, rights) = (name.clone(), rights.clone());
                let put = request.and_then(|envelope| {
                    core.requests.put(Request { peer, host, account, name, rights, envelope })
                });
                core.counters.requests.add(u64::from(put.is_ok()));
                put.err()
            }
        };
        if let Some(cause) = dropped
            && let Some(times) = core.counters.requests_dropped.count(cause, now)
        {
            tracing::warn!(
                id = "SK0405",
                cause,
                times,
                "dropped a request of {name}: {}",
                cause.replace('_', " ")
            );
        }
    }
}

fn envelope(topic: Bytes, payload: Bytes) -> Result<Envelope, &'static str> {
    let topic = Topic::new(topic).map_err(|_| WireError::BadTopic.cause())?;
    if topic.is_reserved() { Ok(Envelope { topic, payload }) } else { Err("not_reserved") }
}
