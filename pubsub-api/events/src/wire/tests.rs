use bytes::Bytes;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use super::{EventRef, MAX_DEPTH, MAX_EVENT_BYTES, WireError, encode};
use crate::{Action, Event, SEND_ALL, Stamp, Topic, Value};

fn event() -> Event {
    Event::new("lport", "k1", Action::Create, r#"{"id":"k1"}"#, SEND_ALL)
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    rmp::encode::write_str(&mut out, text).unwrap();
    out
}

/// A map of `pairs`, in the given order; values are msgpack bytes already.
fn map(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = vec![0x80 | u8::try_from(pairs.len()).unwrap()];
    for (key, value) in pairs {
        out.extend(text(key));
        out.extend_from_slice(value);
    }
    out
}

const NIL: &[u8] = &[0xc0];

fn five() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("table", text("lport")),
        ("key", text("k1")),
        ("action", text("set")),
        ("value", text("v")),
        ("topic", text("D")),
    ]
}

fn with(name: &str, value: &[u8]) -> Vec<u8> {
    let fields = five();
    let mut pairs: Vec<(&str, &[u8])> = fields.iter().map(|(k, v)| (*k, v.as_slice())).collect();
    match pairs.iter_mut().find(|(key, _)| *key == name) {
        Some(pair) => pair.1 = value,
        None => pairs.push((name, value)),
    }
    map(&pairs)
}

#[test]
fn the_bytes_are_those_of_the_genuine_packer() {
    let bytes = encode(&Event::new("lport", "k1", Action::Delete, None, SEND_ALL)).unwrap();
    let mut expected = vec![0x85];
    for (key, value) in [("table", "lport"), ("key", "k1"), ("action", "delete")] {
        expected.extend(text(key));
        expected.extend(text(value));
    }
    expected.extend(text("value"));
    expected.push(0xc0);
    expected.extend(text("topic"));
    expected.extend(text("D"));
    assert_eq!(bytes, expected);
}

#[test]
fn strings_of_32_bytes_and_more_take_16_or_32_bits_of_length_never_8() {
    for (length, header) in [(31, vec![0xbf]), (32, vec![0xda, 0, 32]), (255, vec![0xda, 0, 255])] {
        let mut event = event();
        event.value = Value::Text("x".repeat(length));
        let bytes = encode(&event).unwrap();
        let mut wanted = text("value");
        wanted.extend(header);
        wanted.push(b'x');
        assert!(bytes.windows(wanted.len()).any(|window| window == wanted), "length {length}");
    }
    let mut event = event();
    event.value = Value::Text("x".repeat(70_000));
    let bytes = encode(&event).unwrap();
    assert!(bytes.windows(5).any(|window| window == [0xdb, 0, 1, 0x11, 0x70]));
}

#[test]
fn what_a_genuine_reader_accepts_is_accepted() {
    let reordered = map(&[
        ("topic", NIL),
        ("value", &[0x93, 1, 2, 0xc3]),
        ("extra", &[0x81, 0xa1, b'x', 0xcb, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("action", &text("log")),
        ("key", NIL),
        ("table", NIL),
    ]);
    let read = EventRef::read(b"D", &reordered).unwrap();
    assert_eq!((read.table, read.key, read.action, read.topic), (None, None, "log", "D"));
    assert_eq!(read.to_event().value, Value::Other(Bytes::from_static(&[0x93, 1, 2, 0xc3])));
    assert!(read.genuine);

    let mut map16 = vec![0xde, 0, 5];
    map16.extend_from_slice(&with("value", &[0xd9, 2, b'h', b'i'])[1..]);
    assert_eq!(EventRef::read(b"D", &map16).unwrap().to_event().value, Value::Text("hi".to_owned()));
}

#[test]
fn what_old_readers_would_stumble_over_is_taken_but_marked_for_packing_anew() {
    let fields = five();
    let four: Vec<(&str, &[u8])> = fields.iter().take(4).map(|(k, v)| (*k, v.as_slice())).collect();
    let without_topic = map(&four);
    let bytes_for_text = with("key", &[0xc4, 2, b'k', b'1']);
    for payload in [without_topic, bytes_for_text] {
        let read = EventRef::read(b"D", &payload).unwrap();
        assert!(!read.genuine);
        let packed = encode(&read.to_event()).unwrap();
        assert!(EventRef::read(b"D", &packed).unwrap().genuine);
    }
}

#[test]
fn every_wrong_input_is_refused_by_its_cause() {
    let deep: Vec<u8> = std::iter::repeat_n(0x91, 100_000).chain([0xc0]).collect();
    let mut trailing = with("value", NIL);
    trailing.push(0);
    let fields = five();
    let twice: Vec<(&str, &[u8])> =
        fields.iter().map(|(k, v)| (*k, v.as_slice())).chain([("key", NIL)]).collect();
    let others: Vec<(&str, &[u8])> =
        fields.iter().map(|(k, v)| (*k, v.as_slice())).chain([("x", NIL), ("y", NIL), ("x", NIL)]).collect();
    let without_action: Vec<(&str, &[u8])> =
        fields.iter().map(|(k, v)| (*k, v.as_slice())).filter(|(k, _)| *k != "action").collect();
    let table: Vec<(WireError, Vec<u8>)> = vec![
        (WireError::Truncated, vec![]),
        (WireError::NotAMap, vec![0xc0]),
        (WireError::NotAMap, vec![0x95, 1, 2, 3, 4, 5]),
        (WireError::Truncated, with("value", NIL)[..20].to_vec()),
        (WireError::Truncated, vec![0xdf, 0xff, 0xff, 0xff, 0xff]),
        (WireError::Truncated, with("value", &[0xdb, 0xff, 0xff, 0xff, 0xff])),
        (WireError::Truncated, with("value", &[0xdd, 0xff, 0xff, 0xff, 0xff])),
        (WireError::Trailing, trailing),
        (WireError::TooDeep, with("value", &deep)),
        (WireError::NotMsgpack, with("value", &[0xc1])),
        (WireError::NotUtf8, with("value", &[0xa2, 0xff, 0xfe])),
        (WireError::NotUtf8, with("value", &[0x91, 0xa1, 0xff])),
        (WireError::NotUtf8, with("key", &[0xc4, 1, 0xff])),
        (WireError::KeyNotText, vec![0x81, 0x01, 0x01]),
        (WireError::KeyNotText, vec![0x81, 0xc4, 1, b'a', 0x01]),
        (WireError::DuplicateKey, map(&twice)),
        (WireError::DuplicateKey, map(&others)),
        (WireError::MissingField, map(&without_action)),
        (WireError::WrongType, with("table", &[7])),
        (WireError::WrongType, with("action", NIL)),
        (WireError::WrongType, with("stamp", &[0x93, 1, 2, 3])),
        (WireError::WrongType, with("version", &[0xff])),
        (WireError::TopicMismatch, with("topic", &text("Demo"))),
        (WireError::BadTopic, with("topic", &text(""))),
        (WireError::TooBig, vec![0; 1024 * 1024 + 4097]),
    ];
    for (wanted, payload) in table {
        assert_eq!(EventRef::read(b"D", &payload), Err(wanted), "{:02x?}", &payload[..payload.len().min(60)]);
    }
}

#[test]
fn nesting_is_taken_up_to_the_limit_and_not_beyond() {
    let nested = |levels: usize| -> Vec<u8> {
        with("value", &std::iter::repeat_n(0x91, levels).chain([0xc0]).collect::<Vec<u8>>())
    };
    assert!(EventRef::read(b"D", &nested(MAX_DEPTH)).is_ok());
    assert_eq!(EventRef::read(b"D", &nested(MAX_DEPTH + 1)), Err(WireError::TooDeep));
}

#[test]
fn an_event_of_one_mebibyte_packs_and_one_byte_more_does_not() {
    let overhead = encode(&event()).unwrap().len() - 11 + 4;
    let mut event = event();
    event.value = Value::Text("x".repeat(MAX_EVENT_BYTES - overhead));
    assert_eq!(encode(&event).unwrap().len(), MAX_EVENT_BYTES);
    event.value = Value::Text("x".repeat(MAX_EVENT_BYTES - overhead + 1));
    let error = encode(&event).unwrap_err().to_string();
    assert!(error.contains("1048576") && error.contains("1048577"), "{error}");
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
    let stamp =
        proptest::option::of(any::<[u64; 4]>().prop_map(|[publisher, epoch, sequence, time_us]| Stamp {
            publisher,
            epoch,
            sequence,
            time_us,
        }));
    let texts =
        (proptest::option::of(any::<String>()), proptest::option::of(any::<String>()), any::<String>());
    (texts, value, "[a-z$é]{1,40}", stamp, proptest::option::of(any::<u64>())).prop_map(
        |((table, key, action), value, topic, stamp, version)| Event {
            table,
            key,
            action: Action::from(action.as_str()),
            value,
            topic: Topic::new(topic).unwrap(),
            stamp,
            version,
        },
    )
}

proptest! {
    #[test]
    fn what_is_packed_reads_back_the_same(event in some_event()) {
        let bytes = encode(&event).unwrap();
        let read = EventRef::read(event.topic.as_bytes(), &bytes).unwrap();
        assert!(read.genuine);
        assert_eq!(read.to_event(), event);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = EventRef::read(b"D", &bytes);
    }

    #[test]
    fn no_damage_to_a_good_map_makes_the_reader_panic(event in some_event(), at in any::<usize>(), to in any::<u8>()) {
        let mut bytes = encode(&event).unwrap().to_vec();
        let at = at % bytes.len();
        bytes[at] = to;
        let _ = EventRef::read(event.topic.as_bytes(), &bytes);
        let _ = EventRef::read(event.topic.as_bytes(), &bytes[..at]);
    }
}
