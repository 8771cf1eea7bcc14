use pubsub_api::{Action, Envelope, Event, Result, Topic};

use crate::failure::failure;
use crate::hex;

/// Bytes of an event's value, as text.
pub(crate) const VALUE_BYTES: usize = 200;

/// At the beginning of the value: the sequence number, then the time of the send in nanoseconds.
const HEAD_BYTES: usize = 2 * hex::DIGITS;

/// The event that every peer carries: Skimmer's packed map with a value of [`VALUE_BYTES`].
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) bytes: Vec<u8>,
    /// Where the value's head stands. A service that appends keys to the map does not move it.
    pub(crate) head_at: usize,
}

impl Payload {
    /// All topics of one length give payloads of one length.
    pub(crate) fn new(topic: &str) -> Result<Self> {
        let head = "~".repeat(HEAD_BYTES);
        let value = format!("{head}{}", "x".repeat(VALUE_BYTES - HEAD_BYTES));
        let event = Event::new("lport", "port-1", Action::Set, value, Topic::new(topic.to_owned())?);
        let bytes = Envelope::pack(&event)?.payload.to_vec();
        let head_at =
            bytes.windows(HEAD_BYTES).position(|window| window == head.as_bytes()).ok_or_else(|| {
                failure("an event was packed without its value's beginning: a defect of the bench")
            })?;
        Ok(Self { bytes, head_at })
    }
}

/// Sequence number and time in an event, whose head begins at `head_at`.
pub(crate) fn head(event: &[u8], head_at: usize) -> Option<(u64, u64)> {
    let head = event.get(head_at..)?;
    Some((hex::read(head)?, hex::read(head.get(hex::DIGITS..)?)?))
}

/// Sequence numbers from here on are probes: they only show who is subscribed.
pub(crate) const PROBE: u64 = 1 << 63;

#[cfg(test)]
mod tests {
    use pubsub_api::wire::EventRef;

    use super::Payload;

    #[test]
    fn the_payload_is_an_event_that_every_reader_takes() {
        let payload = Payload::new("D").unwrap();
        let event = EventRef::read(b"D", &payload.bytes).unwrap();
        assert!(event.genuine);
        assert_eq!(payload.bytes.len(), 252, "as in benches/README.md");
    }
}
