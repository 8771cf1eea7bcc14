//! The value of a measured event: it starts with the index and the time of the send, as text.

use std::fmt::Write;

use pubsub_api::wire::EventRef;
use pubsub_api::{Action, Event, SEND_ALL, Value};

/// The size of index and time, 16 hexadecimal digits each: the shortest value.
pub(super) const HEAD_BYTES: usize = 32;

/// The index of a probe, which is not counted and only shows that a subscriber is connected.
pub(super) const PROBE: u64 = u64::MAX;

/// Makes events without an allocation for each.
#[derive(Debug)]
pub(super) struct EventMaker {
    event: Event,
    padding: String,
}

impl EventMaker {
    /// Makes events on `D`, with values of `value_bytes` bytes.
    pub(super) fn new(value_bytes: usize) -> Self {
        let event = Event::new("lport", "port-1", Action::Set, String::with_capacity(value_bytes), SEND_ALL);
        Self { event, padding: "x".repeat(value_bytes.saturating_sub(HEAD_BYTES)) }
    }

    /// The event with this index and send time; valid until the next call.
    pub(super) fn make(&mut self, index: u64, sent_ns: u64) -> &Event {
        if let Value::Text(text) = &mut self.event.value {
            text.clear();
            // Writing to a String never fails.
            let _ = write!(text, "{index:016x}{sent_ns:016x}");
            text.push_str(&self.padding);
        }
        &self.event
    }
}

/// Index and time of an event, if the map ends with a value of `value_bytes` bytes from [`EventMaker`].
pub(super) fn read(event: &EventRef<'_>, value_bytes: usize) -> Option<(u64, u64)> {
    // The header before the text has different lengths in different encoders.
    let text = event.value.get(event.value.len().checked_sub(value_bytes)?..)?;
    let number = |range| u64::from_str_radix(std::str::from_utf8(text.get(range)?).ok()?, 16).ok();
    Some((number(0..16)?, number(16..HEAD_BYTES)?))
}

#[cfg(test)]
mod tests {
    use pubsub_api::Envelope;
    use pubsub_api::wire::EventRef;

    use super::{EventMaker, HEAD_BYTES, read};

    #[test]
    fn index_and_time_come_out_as_they_went_in() {
        for value_bytes in [HEAD_BYTES, 200, 70_000] {
            let mut maker = EventMaker::new(value_bytes);
            for (index, sent_ns) in [(0, 0), (7, 1 << 40), (u64::MAX, u64::MAX)] {
                let packed = Envelope::pack(maker.make(index, sent_ns)).unwrap();
                let event = EventRef::read(b"D", &packed.payload).unwrap();
                assert_eq!(read(&event, value_bytes), Some((index, sent_ns)));
            }
        }
    }

    #[test]
    fn a_value_of_another_length_is_not_read() {
        let packed = Envelope::pack(EventMaker::new(HEAD_BYTES).make(1, 2)).unwrap();
        let event = EventRef::read(b"D", &packed.payload).unwrap();
        assert_eq!(read(&event, 200), None);
    }
}
