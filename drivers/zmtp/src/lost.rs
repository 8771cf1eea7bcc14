//! The report of the publisher to one subscriber that events were dropped for it at this place, with their number.
//!
//! It is an event on topic `$hello` with action `lost` (docs/design.md#wire-format), its count in one key more, `events`.
//! A reader that does not know it reads an event about no row.

use pubsub_api::HELLO;
use pubsub_api::wire::EventRef;

use crate::map_number::map_number;

/// The map up to the count: six pairs, the last key `events`, and the marker of an unsigned number of 64 bits.
const UP_TO_COUNT: &[u8] =
    b"\x86\xa5table\xa6$hello\xa3key\xc0\xa6action\xa4lost\xa5value\xc0\xa5topic\xa6$hello\xa6events\xcf";

const ACTION: &str = "lost";

/// The payload that reports `events` missing events.
pub(crate) fn lost_event(events: u64) -> Vec<u8> {
    [UP_TO_COUNT, &events.to_be_bytes()].concat()
}

/// The number of missing events that a payload of topic `$hello` reports; `None` if it reports something else.
///
/// The key `events` may stand anywhere in the map, and its number may be packed in any width.
pub(crate) fn read_lost(payload: &[u8]) -> Option<u64> {
    let topic = HELLO;
    EventRef::read(topic.as_bytes(), payload).ok().filter(|event| event.action == ACTION)?;
    map_number(payload, b"events")
}

#[cfg(test)]
mod tests {
    use pubsub_api::wire::{EventRef, append_pairs, encode};
    use pubsub_api::{Action, Event, HELLO, Value, hello};

    use super::{lost_event, read_lost};

    fn reported(action: &str) -> Event {
        let action = Action::Other(action.to_owned());
        Event { key: None, ..Event::new("$hello", "", action, Value::Nil, HELLO) }
    }

    #[test]
    fn the_count_reads_back_and_the_bytes_are_those_of_the_packer() {
        for events in [0, 1, 255, 70_000, u64::MAX] {
            let payload = lost_event(events);
            assert_eq!(read_lost(&payload), Some(events));
            let count = [&b"\xa6events\xcf"[..], &events.to_be_bytes()].concat();
            let mut packed = Vec::new();
            append_pairs(&encode(&reported("lost")).unwrap(), 1, &count, &mut packed).unwrap();
            assert_eq!(payload, packed);
        }
    }

    #[test]
    fn an_old_reader_reads_an_event_about_no_row() {
        let payload = lost_event(7);
        let event = EventRef::read(b"$hello", &payload).unwrap();
        assert_eq!(
            (event.table, event.key, event.action, event.genuine),
            (Some("$hello"), None, "lost", true)
        );
    }

    #[test]
    fn the_count_is_found_after_any_other_key_and_in_any_width() {
        let before = b"\x8a\xa1a\x93\x01\xcb\0\0\0\0\0\0\0\0\xda\0\x01x\xa1b\x81\xa6events\xc3\xa1c\xd7\0\0\0\0\0\0\0\0\0";
        let fields =
            b"\xa5table\xa6$hello\xa3key\xa2me\xa6action\xa4lost\xa5value\xc4\x01\0\xa5topic\xa6$hello";
        for (number, events) in
            [(&b"\x07"[..], 7), (b"\xcc\xff", 255), (b"\xcd\x01\0", 256), (b"\xce\0\x01\0\0", 65_536)]
        {
            let payload = [before, &fields[..], b"\xa6events", number, b"\xa1d\xc0"].concat();
            assert_eq!(EventRef::read(b"$hello", &payload).map(|event| event.action), Ok("lost"));
            assert_eq!(read_lost(&payload), Some(events));
        }
    }

    #[test]
    fn other_messages_are_no_loss() {
        let hello = encode(&hello::event("publisher", None)).unwrap();
        let (bare, mut other, mut negative) = (encode(&reported("lost")).unwrap(), lost_event(7), Vec::new());
        append_pairs(&bare, 1, b"\xa6events\xff", &mut negative).unwrap();
        let action = other.windows(4).position(|word| word == b"lost").unwrap();
        other[action..action + 4].copy_from_slice(b"mark");
        assert_eq!(EventRef::read(b"$hello", &other).map(|event| event.action), Ok("mark"));
        for payload in [&hello[..], &bare, &other, &negative, b"", b"\x80", &lost_event(7)[..20]] {
            assert_eq!(read_lost(payload), None, "{payload:02x?}");
        }
    }
}
