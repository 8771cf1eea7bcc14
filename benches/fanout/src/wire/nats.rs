//! NATS client protocol: lines, and payloads with their length in a line.

use bench_kit::failure;
use pubsub_api::Result;

use super::{Piece, What, beginning, line, number};

/// Not verbose: no confirmations.
pub(super) const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";

pub(super) const PONG: &[u8] = b"PONG\r\n";

/// Subscription ids of the same width, so that all events on a connection have the same length.
pub(super) fn subscribe(topics: &[String]) -> Vec<u8> {
    let first = if topics.len() < 10 { 1 } else { 10 };
    let line = |(id, topic): (usize, &String)| format!("SUB {topic} {}\r\n", first + id).into_bytes();
    topics.iter().enumerate().flat_map(line).collect()
}

pub(super) fn next(bytes: &[u8]) -> Result<Option<Piece>> {
    let Some(line) = line(bytes) else { return Ok(None) };
    let after_line = line.len() + 2;
    let short = |what| Ok(Some(Piece { bytes: after_line, what }));
    let verb = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    match verb {
        b"MSG" => event(bytes, line),
        b"PING" => short(What::Ping),
        b"INFO" => short(What::Greeting),
        b"PONG" | b"+OK" => short(What::Nothing),
        _ => Err(failure(format!("unexpected answer of the server: {}", beginning(line)))),
    }
}

fn event(bytes: &[u8], line: &[u8]) -> Result<Option<Piece>> {
    let payload_at = line.len() + 2;
    let length = line.rsplit(|byte| *byte == b' ').next().and_then(number);
    let Some(length) = length else {
        return Err(failure(format!("an event has no length: {}", beginning(line))));
    };
    let end = payload_at.saturating_add(length).saturating_add(2);
    let piece = Piece { bytes: end, what: What::Event { payload_at } };
    Ok((bytes.len() >= end).then_some(piece))
}
