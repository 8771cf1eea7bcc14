use std::ops::Range;

use pubsub_api::Framing;

use crate::protocol::put_event_head;

/// How an event is laid out on a connection: two frames of ZMTP.
#[derive(Debug)]
pub(crate) struct ZmtpFraming;

impl Framing for ZmtpFraming {
    fn put_head(&self, out: &mut Vec<u8>, topic: &[u8], payload_bytes: usize) -> usize {
        put_event_head(out, topic, payload_bytes);
        topic_at(topic.len())
    }
}

/// Where an event begins whose topic has this range.
pub(crate) fn begin_of(topic: &Range<usize>) -> usize {
    topic.start.saturating_sub(topic_at(topic.len()))
}

/// The number of bytes before a topic: flags and one byte of length, or eight (RFC 37, "Framing").
fn topic_at(topic_bytes: usize) -> usize {
    if topic_bytes <= usize::from(u8::MAX) { 2 } else { 9 }
}
