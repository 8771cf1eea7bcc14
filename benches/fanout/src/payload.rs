use bench_kit::failure;
use pubsub_api::{Action, Envelope, Event, Result, Topic};

use crate::hex;

/// Bytes of an event's value, as text: with the head as the action, an event has as many bytes as one of the action `set` with a value of
/// 200 bytes.
pub(crate) const VALUE_BYTES: usize = 169;

/// The head, which is the action, since a sealed event has no visible value: the sequence number, then the time of the send in
/// nanoseconds.
const HEAD_BYTES: usize = 2 * hex::DIGITS;

/// The event that every server transports: Skimmer's packed map of 252 bytes.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) bytes: Vec<u8>,
    /// Position of the head. Keys that a service appends to the map do not move it.
    pub(crate) head_at: usize,
}

impl Payload {
    /// Topics of the same length give payloads of the same length.
    pub(crate) fn new(topic: &str) -> Result<Self> {
        let head = "~".repeat(HEAD_BYTES);
        let value = "x".repeat(VALUE_BYTES);
        let action = Action::from(head.as_str());
        let event = Event::new("lport", "port-1", action, value, Topic::new(topic.to_owned())?);
        let bytes = Envelope::pack(&event)?.payload.to_vec();
        let head_at = bytes
            .windows(HEAD_BYTES)
            .position(|window| window == head.as_bytes())
            .ok_or_else(|| failure("a packed event lacks its action: a defect of the bench"))?;
        Ok(Self { bytes, head_at })
    }
}

/// Sequence number and time of an event whose head begins at `head_at`.
pub(crate) fn head(event: &[u8], head_at: usize) -> Option<(u64, u64)> {
    let head = event.get(head_at..)?;
    Some((hex::read(head)?, hex::read(head.get(hex::DIGITS..)?)?))
}

/// Events with sequence numbers from here on are probes: they only show which subscribers are subscribed.
pub(crate) const PROBE: u64 = 1 << 63;

#[cfg(test)]
mod tests {
    use pubsub_api::wire::EventRef;

    use super::Payload;

    #[test]
    fn the_payload_is_an_event_that_readers_accept() {
        let payload = Payload::new("D").unwrap();
        let event = EventRef::read(b"D", &payload.bytes).unwrap();
        assert!(event.genuine);
        assert_eq!(payload.bytes.len(), 252, "as in benches/README.md");
    }
}
