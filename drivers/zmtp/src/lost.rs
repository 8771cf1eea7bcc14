//! The publisher's word to one subscriber that it fell off the ring: so many events are missing at this place.
//!
//! It is an event on topic `$hello` with action `lost` (DESIGN 4), its count in one key more, `events`. Who does not know
//! it reads an event about no row.

use pubsub_api::HELLO;
use pubsub_api::wire::EventRef;

/// The map up to the count: six pairs, the last key `events`, and the marker of an unsigned number of 64 bits.
const UP_TO_COUNT: &[u8] =
    b"\x86\xa5table\xa6$hello\xa3key\xc0\xa6action\xa4lost\xa5value\xc0\xa5topic\xa6$hello\xa6events\xcf";

const ACTION: &str = "lost";

/// The payload that tells of `events` missing events.
pub(crate) fn lost_event(events: u64) -> Vec<u8> {
    [UP_TO_COUNT, &events.to_be_bytes()].concat()
}

/// How many events a payload of topic `$hello` tells to be missing; `None` if it tells something else.
///
/// The key `events` may stand anywhere in the map, and its number may be packed in any width.
pub(crate) fn read_lost(payload: &[u8]) -> Option<u64> {
    let topic = HELLO;
    EventRef::read(topic.as_bytes(), payload).ok().filter(|event| event.action == ACTION)?;
    let (mut pairs, mut rest) = map_head(payload)?;
    while pairs > 0 {
        let value = after(rest)?;
        if text(rest, value) == b"events" {
            return unsigned(value);
        }
        rest = after(value)?;
        pairs -= 1;
    }
    None
}

fn map_head(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match bytes {
        [fixmap @ 0x80..=0x8f, rest @ ..] => Some((u32::from(fixmap & 0x0f), rest)),
        [0xde, a, b, rest @ ..] => Some((u32::from(u16::from_be_bytes([*a, *b])), rest)),
        [0xdf, a, b, c, d, rest @ ..] => Some((u32::from_be_bytes([*a, *b, *c, *d]), rest)),
        _ => None,
    }
}

/// The text at the start of `bytes`, a value that ends where `rest` begins; longer texts than a fixstr are not told apart.
fn text<'a>(bytes: &'a [u8], rest: &[u8]) -> &'a [u8] {
    match bytes.get(..bytes.len() - rest.len()) {
        Some([0xa0..=0xbf, text @ ..]) => text,
        _ => b"",
    }
}

fn unsigned(bytes: &[u8]) -> Option<u64> {
    let (marker, rest) = bytes.split_first()?;
    let width = match marker {
        0x00..=0x7f => return Some(u64::from(*marker)),
        0xcc => 1,
        0xcd => 2,
        0xce => 4,
        0xcf => 8,
        _ => return None,
    };
    Some(big_endian(rest.get(..width)?))
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What follows the value at the start of `bytes`, without recursion.
fn after(mut bytes: &[u8]) -> Option<&[u8]> {
    let mut values = 1_u64;
    while values > 0 {
        let (marker, rest) = bytes.split_first()?;
        let sized = |width: usize| rest.get(..width).map(big_endian);
        // How many bytes belong to it behind the marker, and how many values it holds.
        let (length, held) = match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0..=0xc3 => (0, 0),
            0x80..=0x8f => (0, 2 * u64::from(marker & 0x0f)),
            0x90..=0x9f => (0, u64::from(marker & 0x0f)),
            0xa0..=0xbf => (u64::from(marker & 0x1f), 0),
            0xc4 | 0xd9 => (1 + sized(1)?, 0),
            0xc5 | 0xda => (2 + sized(2)?, 0),
            0xc6 | 0xdb => (4 + sized(4)?, 0),
            0xc7 => (2 + sized(1)?, 0),
            0xc8 => (3 + sized(2)?, 0),
            0xc9 => (5 + sized(4)?, 0),
            0xcc | 0xd0 => (1, 0),
            0xcd | 0xd1 | 0xd4 => (2, 0),
            0xd5 => (3, 0),
            0xca | 0xce | 0xd2 => (4, 0),
            0xd6 => (5, 0),
            0xcb | 0xcf | 0xd3 => (8, 0),
            0xd7 => (9, 0),
            0xd8 => (17, 0),
            0xdc => (2, sized(2)?),
            0xdd => (4, sized(4)?),
            0xde => (2, 2 * sized(2)?),
            0xdf => (4, 2 * sized(4)?),
        };
        bytes = rest.get(usize::try_from(length).ok()?..)?;
        values = values - 1 + held;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use pubsub_api::wire::{EventRef, append_pairs, encode};
    use pubsub_api::{Action, Event, HELLO, Value, hello};

    use super::{lost_event, read_lost};

    fn told(action: &str) -> Event {
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
            append_pairs(&encode(&told("lost")).unwrap(), 1, &count, &mut packed).unwrap();
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
    fn the_count_is_found_behind_any_other_key_and_in_any_width() {
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
    fn what_tells_no_loss_is_none() {
        let hello = encode(&hello::event("publisher")).unwrap();
        let (bare, mut other, mut negative) = (encode(&told("lost")).unwrap(), lost_event(7), Vec::new());
        append_pairs(&bare, 1, b"\xa6events\xff", &mut negative).unwrap();
        let action = other.windows(4).position(|word| word == b"lost").unwrap();
        other[action..action + 4].copy_from_slice(b"mark");
        assert_eq!(EventRef::read(b"$hello", &other).map(|event| event.action), Ok("mark"));
        for payload in [&hello[..], &bare, &other, &negative, b"", b"\x80", &lost_event(7)[..20]] {
            assert_eq!(read_lost(payload), None, "{payload:02x?}");
        }
    }
}
