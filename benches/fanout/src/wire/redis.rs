//! RESP2: commands and published events are arrays of strings with their lengths.

use bench_kit::failure;
use pubsub_api::Result;

use super::{Piece, What, beginning, line, number};

const MESSAGE: &[u8] = b"*3\r\n$7\r\nmessage\r\n";
const SUBSCRIBED: &[u8] = b"*3\r\n$9\r\nsubscribe\r\n";

pub(super) fn subscribe(topics: &[String]) -> Vec<u8> {
    let mut out = format!("*{}\r\n$9\r\nSUBSCRIBE\r\n", topics.len() + 1);
    for topic in topics {
        out.push_str(&format!("${}\r\n{topic}\r\n", topic.len()));
    }
    out.into_bytes()
}

pub(super) fn before(topic: &str, payload_bytes: usize) -> Vec<u8> {
    format!("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{topic}\r\n${payload_bytes}\r\n", topic.len()).into_bytes()
}

pub(super) fn next(bytes: &[u8]) -> Result<Option<Piece>> {
    if bytes.first() == Some(&b':') {
        return Ok(line(bytes).map(|line| Piece { bytes: line.len() + 2, what: What::Receipt }));
    }
    if bytes.starts_with(MESSAGE) {
        return Ok(event(bytes));
    }
    if bytes.starts_with(SUBSCRIBED) {
        return Ok(subscribed(bytes));
    }
    if MESSAGE.starts_with(bytes) || SUBSCRIBED.starts_with(bytes) {
        return Ok(None);
    }
    Err(failure(format!("unexpected answer of the server: {}", beginning(bytes))))
}

fn event(bytes: &[u8]) -> Option<Piece> {
    let (_, after_topic) = text(bytes, MESSAGE.len())?;
    let (payload_at, end) = text(bytes, after_topic)?;
    Some(Piece { bytes: end, what: What::Event { payload_at } })
}

fn subscribed(bytes: &[u8]) -> Option<Piece> {
    let (_, after_topic) = text(bytes, SUBSCRIBED.len())?;
    let count = line(bytes.get(after_topic..)?)?;
    Some(Piece { bytes: after_topic + count.len() + 2, what: What::Nothing })
}

/// The positions of the bulk string that starts at `at`, and of what follows it.
fn text(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let announced = line(bytes.get(at..)?)?;
    let length = number(announced.strip_prefix(b"$")?)?;
    let begin = at + announced.len() + 2;
    let end = begin.checked_add(length)?.checked_add(2)?;
    (bytes.len() >= end).then_some((begin, end))
}
