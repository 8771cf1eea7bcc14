//! ZMTP 3.0 with NULL. Servers never send a PING to a peer that greets as 3.0, so a drain has nothing to answer.

use bench_kit::failure;
use pubsub_api::Result;

use super::{Piece, What, beginning};

/// The greeting's length (RFC 23).
const GREETING_BYTES: usize = 64;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

pub(super) const PUSH: &[u8] = b"PUSH";

pub(super) const SUB: &[u8] = b"SUB";

pub(super) const DEALER: &[u8] = b"DEALER";

/// Greeting and READY together, so that connecting needs no wait.
pub(super) fn opening(socket: &[u8]) -> Vec<u8> {
    let mut out = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
    out.extend_from_slice(b"NULL");
    out.resize(GREETING_BYTES, 0);
    let length = u8::try_from(socket.len()).unwrap_or(u8::MAX);
    let body = [b"\x05READY\x0bSocket-Type\0\0\0".as_slice(), &[length], socket].concat();
    out.extend_from_slice(&[COMMAND, u8::try_from(body.len()).unwrap_or(u8::MAX)]);
    out.extend_from_slice(&body);
    out
}

/// The first message of our worker: its id, and that its first event follows (docs/design.md#delivery).
pub(super) fn introduction() -> Vec<u8> {
    let map = b"\x87\xa5table\xa7$worker\xa3key\xb000000000000000be\xa6action\xa6worker\xa5value\xc0\xa5topic\xa7$worker\
        \xa5first\x01\xabsent_before\x00";
    [before("$worker", map.len()), map.to_vec()].concat()
}

/// As messages, as in 3.0; one frame for each topic.
pub(super) fn subscribe(topics: &[String]) -> Vec<u8> {
    let frame = |topic: &String| {
        let mut frame = frame_head(0, topic.len() + 1);
        frame.push(1);
        frame.extend_from_slice(topic.as_bytes());
        frame
    };
    topics.iter().flat_map(frame).collect()
}

/// The topic's frame and the header of the payload's frame.
pub(super) fn before(topic: &str, payload_bytes: usize) -> Vec<u8> {
    let topic_head = frame_head(MORE, topic.len());
    [topic_head, topic.as_bytes().to_vec(), frame_head(0, payload_bytes)].concat()
}

fn frame_head(flags: u8, bytes: usize) -> Vec<u8> {
    match u8::try_from(bytes) {
        Ok(short) => vec![flags, short],
        Err(_) => [&[flags | LONG], (bytes as u64).to_be_bytes().as_slice()].concat(),
    }
}

pub(super) fn next(bytes: &[u8]) -> Result<Option<Piece>> {
    if bytes.first() == Some(&0xff) {
        let whole = bytes.len() >= GREETING_BYTES;
        return Ok(whole.then_some(Piece { bytes: GREETING_BYTES, what: What::Nothing }));
    }
    let Some(first) = Frame::read(bytes) else { return Ok(None) };
    if first.flags & COMMAND != 0 {
        return command(bytes, first);
    }
    if first.flags & MORE == 0 {
        let text = format!("expected two frames, topic and event, got one: {}", beginning(bytes));
        return Err(failure(text));
    }
    let rest = bytes.get(first.end..).unwrap_or_default();
    let Some(second) = Frame::read(rest) else { return Ok(None) };
    if second.flags & (MORE | COMMAND) != 0 {
        return Err(failure(format!("no event follows a topic: {}", beginning(rest))));
    }
    let bytes = first.end + second.end;
    Ok(Some(Piece { bytes, what: What::Event { payload_at: first.end + second.body } }))
}

fn command(bytes: &[u8], frame: Frame) -> Result<Option<Piece>> {
    let body = bytes.get(frame.body..frame.end).unwrap_or_default();
    if body.starts_with(b"\x05ERROR") {
        return Err(failure(format!("the server refused the connection: {}", beginning(body))));
    }
    let what = if body.starts_with(b"\x05READY") { What::Greeting } else { What::Nothing };
    Ok(Some(Piece { bytes: frame.end, what }))
}

/// A whole frame, as the position of its body.
#[derive(Debug, Clone, Copy)]
struct Frame {
    flags: u8,
    body: usize,
    end: usize,
}

impl Frame {
    fn read(bytes: &[u8]) -> Option<Self> {
        let flags = *bytes.first()?;
        let (body, length): (usize, usize) = if flags & LONG == 0 {
            (2, usize::from(*bytes.get(1)?))
        } else {
            let length: [u8; 8] = bytes.get(1..9)?.try_into().ok()?;
            (9, usize::try_from(u64::from_be_bytes(length)).ok()?)
        };
        let end = body.checked_add(length)?;
        (bytes.len() >= end).then_some(Self { flags, body, end })
    }
}
