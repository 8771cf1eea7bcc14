//! What is sealed opens as it was, and nothing else opens.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

#[path = "checks/keys.rs"]
mod keys;

use bytes::Bytes;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use keys::{STAMP, opened, opener, sealed, sealer};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use pubsub_api::wire::{EventRef, RowRef, WireError, encode};
use pubsub_api::{Action, Event, SEND_ALL, Topic, Value};
use sealing::{EventSealer, NotOpened, SealPlan, SealedParts};

const MODES: [SealedParts; 2] = [SealedParts::Value, SealedParts::Row];

fn event() -> Event {
    Event::new("lport", "port-1", Action::Set, r#"{"id":"port-1"}"#, SEND_ALL)
}

/// Authors' maps of every form.
fn maps() -> Vec<Vec<u8>> {
    let nested = Value::Other(Bytes::from_static(b"\x82\xa1a\x93\x01\xc0\xa1x\xa1b\x90"));
    let mut maps: Vec<Vec<u8>> = [
        event(),
        Event { value: Value::Nil, action: Action::Delete, ..event() },
        Event { value: nested, version: Some(u64::MAX), ..event() },
        Event { value: "".into(), table: None, key: None, ..event() },
        Event { table: None, ..event() },
        Event { key: None, action: Action::Sync, ..event() },
        Event { key: Some("k".repeat(300)), value: "v".repeat(70_000).into(), ..event() },
        Event { table: Some("sealed".to_owned()), ..event() },
    ]
    .iter()
    .map(|event| encode(event).unwrap().to_vec())
    .collect();
    let five = maps[0][1..].to_vec();
    maps.push([b"\xde\x00\x05", &five[..]].concat());
    maps.push([b"\xdf\x00\x00\x00\x05", &five[..]].concat());
    for more in [8_u8, 9, 10, 11] {
        let others: Vec<u8> = (0..more).flat_map(|number| [0xa1, b'A' + number, 0xc0]).collect();
        let head = if 5 + more < 16 { vec![0x85 + more] } else { vec![0xde, 0, 5 + more] };
        maps.push([&head[..], &five, &others].concat());
        maps.push([&[0xde, 0, 5 + more], &five[..], &others].concat());
    }
    // In another order, with bytes in place of text, and without topic.
    maps.push(b"\x84\xa5value\x93\x01\x02\x03\xa3key\xc4\x01k\xa6action\xa3log\xa5table\xc4\x01t".to_vec());
    maps
}

#[test]
fn a_map_of_any_form_is_opened_as_it_was() {
    for map in maps() {
        for parts in MODES {
            let (plain, sealed) = sealed(&mut sealer(parts), b"D", &map).unwrap();
            assert_eq!(opened(b"D", &sealed), Some(Ok(plain)), "{parts:?}");
            let read = EventRef::read(b"D", &sealed).unwrap();
            assert_eq!((read.value, read.stamp.is_some()), (&b"\xc0"[..], true));
        }
    }
}

#[test]
fn what_a_mode_hides_is_not_in_the_sealed_map() {
    let event = Event::new("a-table-name", "a-key-name", Action::Set, "a-value-text", SEND_ALL);
    let map = encode(&event).unwrap();
    let is_visible =
        |sealed: &[u8], text: &str| sealed.windows(text.len()).any(|part| part == text.as_bytes());
    for (parts, visible) in [(SealedParts::Value, [true, true, false]), (SealedParts::Row, [false; 3])] {
        let (_, sealed) = sealed(&mut sealer(parts), b"D", &map).unwrap();
        let found = ["a-table-name", "a-key-name", "a-value-text"].map(|text| is_visible(&sealed, text));
        assert_eq!(found, visible, "{parts:?}");
    }
}

#[test]
fn a_row_has_one_tag_whatever_its_value_and_other_rows_have_others() {
    let tag = |table: &str, key: &str, value: &str| {
        let map = encode(&Event::new(table, key, Action::Set, value, SEND_ALL)).unwrap();
        let (_, sealed) = sealed(&mut sealer(SealedParts::Row), b"D", &map).unwrap();
        let row = RowRef::find(&sealed).unwrap();
        assert_eq!((row.table, row.has_value), (Some(&b"sealed"[..]), true));
        String::from_utf8(row.key.unwrap().to_vec()).unwrap()
    };
    let one = tag("ab", "c", "1");
    assert_eq!((one.len(), &one), (32, &tag("ab", "c", "2")));
    let others = [tag("a", "bc", "1"), tag("ab", "d", "1"), tag("abc", "", "1"), tag("", "abc", "1")];
    assert!(!others.contains(&one), "{others:?}");
}

#[test]
fn every_bit_of_topic_and_map_counts() {
    for (map, parts) in [(encode(&event()).unwrap(), MODES[0]), (encode(&event()).unwrap(), MODES[1])] {
        let (_, sealed) = sealed(&mut sealer(parts), b"D", &map).unwrap();
        for bit in 0..8 * sealed.len() {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(opened(b"D", &changed), Some(Ok(_))), "bit {bit} of {parts:?}");
        }
        for length in 0..sealed.len() {
            assert!(!matches!(opened(b"D", &sealed[..length]), Some(Ok(_))), "cut at {length}");
        }
    }
}

#[test]
fn another_topic_number_value_or_key_is_not_authentic() {
    let author = encode(&Event { topic: Topic::new("one").unwrap(), ..event() }).unwrap();
    let (_, good) = sealed(&mut sealer(MODES[0]), b"one", &author).unwrap();
    let change = |from: &[u8], to: &[u8]| {
        let at = good.windows(from.len()).position(|part| part == from).unwrap();
        [&good[..at], to, &good[at + from.len()..]].concat()
    };
    assert!(matches!(opened(b"one", &good), Some(Ok(_))));
    let moved = change(b"\xa3one", b"\xa3two");
    assert_eq!(opened(b"two", &moved), Some(Err(NotOpened::NotAuthentic)));
    let renumbered = change(b"\xcf\0\0\0\0\0\0\0\x03", b"\xcf\0\0\0\0\0\0\0\x09");
    assert_eq!(opened(b"one", &renumbered), Some(Err(NotOpened::NotAuthentic)));
    let other_key = change(b"\x93\xa1a", b"\x93\xa1b");
    assert_eq!(opened(b"one", &other_key), Some(Err(NotOpened::NotAuthentic)));
    let no_key = change(b"\x93\xa1a", b"\x93\xa1c");
    assert_eq!(opened(b"one", &no_key), Some(Err(NotOpened::UnknownKey("c".to_owned()))));
    // The text of another event of the same number.
    let (_, other) = sealed(&mut sealer(MODES[0]), b"one", &author).unwrap();
    let text = |map: &[u8]| EventRef::read(b"one", map).unwrap().sealed.unwrap().text.to_vec();
    let swapped = [good.strip_suffix(&text(&good)[..]).unwrap(), &text(&other)].concat();
    assert_eq!(opened(b"one", &swapped), Some(Err(NotOpened::NotAuthentic)));
    // Without its seal, and with a pair after it.
    let mut plain = good.clone();
    plain.truncate(good.len() - text(&good).len());
    assert!(!matches!(opened(b"one", &plain), Some(Ok(_))));
    let longer = [&[good[0] + 1], &good[1..], b"\xa1x\xc0"].concat();
    assert_eq!(opened(b"one", &longer), Some(Err(NotOpened::NotAuthentic)));
    let not_sealed = opener().open(b"one", &author, None);
    assert_eq!(not_sealed, Err(NotOpened::NotSealed));
}

#[test]
fn it_is_xchacha20_poly1305_and_no_two_nonces_are_the_same() {
    let (mut one, mut other) = (sealer(MODES[0]), sealer(MODES[0]));
    let mut nonces = std::collections::HashSet::new();
    for length in 0..1200 {
        let map = encode(&Event { value: "v".repeat(length).into(), ..event() }).unwrap();
        for sealer in [&mut one, &mut other] {
            let (plain, sealed) = sealed(sealer, b"D", &map).unwrap();
            let read = EventRef::read(b"D", &sealed).unwrap().sealed.unwrap();
            assert!(nonces.insert(*read.nonce));
            let associated = [b"sealed-1\x00\x01D", sealed.strip_suffix(read.text).unwrap()].concat();
            let cipher = XChaCha20Poly1305::new(&[0x1a; 32].into());
            let text = Payload { msg: read.text, aad: &associated };
            let text = cipher.decrypt(&(*read.nonce).into(), text).unwrap();
            let value = EventRef::read(b"D", &plain).unwrap().value;
            assert_eq!(text, [b"\x86", value].concat());
        }
    }
}

#[test]
fn what_is_no_event_is_not_sealed() {
    let (_, sealed) = sealed(&mut sealer(MODES[0]), b"D", &encode(&event()).unwrap()).unwrap();
    for (wanted, map) in [
        (WireError::Sealed, &sealed[..]),
        (WireError::NotAMap, b"\xc0"),
        (WireError::MissingField, b"\x81\xa5value\xc0"),
        (WireError::DuplicateKey, b"\x84\xa5table\xc0\xa3key\xc0\xa5value\xc0\xa5value\xc0"),
        (WireError::WrongType, b"\x83\xa5table\x01\xa3key\xc0\xa5value\xc0"),
        (WireError::Trailing, b"\x83\xa5table\xc0\xa3key\xc0\xa5value\xc0\xc0"),
        (WireError::NotUtf8, b"\x83\xa5table\xc0\xa3key\xc0\xa5value\xa1\xff"),
        (WireError::Truncated, b"\x83\xa5table\xc0\xa3key\xc0\xa5value\xa9"),
    ] {
        for parts in MODES {
            assert_eq!(SealPlan::of(map, parts).map(drop), Err(wanted), "{map:02x?}");
        }
    }
    let largest = encode(&Event { value: "x".repeat((1 << 20) - 100).into(), ..event() }).unwrap();
    let plan = SealPlan::of(&largest, MODES[1]).unwrap();
    assert!(EventSealer::most_bytes(&plan, STAMP.len()) < pubsub_api::wire::MAX_RECEIVED_BYTES);
}

fn some_event() -> impl Strategy<Value = Event> {
    let value = prop_oneof![
        Just(Value::Nil),
        any::<String>().prop_map(Value::Text),
        any::<i64>().prop_map(|number| {
            let mut out = Vec::new();
            rmp::encode::write_sint(&mut out, number).unwrap();
            Value::Other(Bytes::from(out))
        }),
    ];
    let name = proptest::option::of(any::<String>());
    (name.clone(), name, any::<String>(), value, "[a-z]{1,40}", proptest::option::of(any::<u64>())).prop_map(
        |(table, key, action, value, topic, version)| Event {
            table,
            key,
            action: Action::from(action.as_str()),
            value,
            topic: Topic::new(topic).unwrap(),
            stamp: None,
            version,
        },
    )
}

proptest! {
    #[test]
    fn any_event_is_opened_as_it_was_and_no_changed_one_is(
        event in some_event(),
        is_row in any::<bool>(),
        at in any::<usize>(),
        change in 1..=255_u8,
    ) {
        let topic = event.topic.as_bytes();
        let mut sealer = sealer(if is_row { SealedParts::Row } else { SealedParts::Value });
        let (plain, mut sealed) = sealed(&mut sealer, topic, &encode(&event).unwrap()).unwrap();
        prop_assert_eq!(opened(topic, &sealed), Some(Ok(plain)));
        let at = at % sealed.len();
        sealed[at] ^= change;
        prop_assert!(!matches!(opened(topic, &sealed), Some(Ok(_))));
    }
}
