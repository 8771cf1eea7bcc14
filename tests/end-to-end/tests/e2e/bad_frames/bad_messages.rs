/// A message that is no event, the part of the program that drops it, and the cause that it counts.
pub(super) struct Bad {
    pub(super) frames: Vec<Vec<u8>>,
    pub(super) at: Where,
    pub(super) cause: &'static str,
}

/// Which check refuses it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// The driver: it is no topic and payload at all.
    Frames,
    /// The reader of the map.
    Map,
    /// Only the service: no worker may send this, but a publisher may.
    Admission,
}

pub(super) fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short text");
    [&[0xda], &length.to_be_bytes()[..], text.as_bytes()].concat()
}

/// A map of already packed values.
pub(super) fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let count = u8::try_from(pairs.len()).expect("a small map");
    let mut packed = vec![0x80 | count];
    for (key, value) in pairs {
        packed.extend(text(key));
        packed.extend_from_slice(value);
    }
    packed
}

/// A good event's pairs, on topic `topic`.
pub(super) fn pairs(key: &str, topic: &str) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("table", text("lport")),
        ("key", text(key)),
        ("action", text("set")),
        ("value", text("value")),
        ("topic", text(topic)),
    ]
}

pub(super) fn good(key: &str) -> Vec<Vec<u8>> {
    vec![b"D".to_vec(), map(&pairs(key, "D"))]
}

/// A good event in which one field holds something else.
fn with(field: &str, value: Vec<u8>) -> Vec<u8> {
    let mut pairs = pairs("bad", "D");
    if let Some(pair) = pairs.iter_mut().find(|(name, _)| *name == field) {
        pair.1 = value;
    }
    map(&pairs)
}

fn with_more(key: &'static str, value: Vec<u8>) -> Vec<u8> {
    let mut pairs = pairs("bad", "D");
    pairs.push((key, value));
    map(&pairs)
}

fn bad(at: Where, cause: &'static str, frames: Vec<Vec<u8>>) -> Bad {
    Bad { frames, at, cause }
}

fn bad_map(cause: &'static str, payload: Vec<u8>) -> Bad {
    bad(Where::Map, cause, vec![b"D".to_vec(), payload])
}

/// Every kind of malformed map and topic (docs/guarantees.md#f60, docs/guarantees.md#f61), and wrong numbers of frames.
pub(super) fn bad_messages() -> Vec<Bad> {
    let whole = map(&pairs("bad", "D"));
    let cut = whole.get(..whole.len() - 3).expect("a longer map").to_vec();
    let mut deep = vec![0x91; 100_000];
    deep.push(0xc0);
    let mut key_first = vec![0x81, 7];
    key_first.extend(text("value"));
    let stamp = [vec![0x94], vec![1, 2, 3, 4]].concat();
    vec![
        bad(Where::Frames, "frame_count", vec![b"D".to_vec()]),
        bad(Where::Frames, "frame_count", vec![b"D".to_vec(), whole.clone(), b"third".to_vec()]),
        bad(Where::Frames, "bad_topic", vec![vec![], whole.clone()]),
        bad(Where::Frames, "bad_topic", vec![vec![b'x'; 256], whole.clone()]),
        bad(Where::Frames, "bad_topic", vec![vec![0xff, 0xfe], whole.clone()]),
        bad(Where::Frames, "bad_topic", vec![b"a\0b".to_vec(), whole.clone()]),
        bad(Where::Frames, "too_big", vec![b"D".to_vec(), vec![0xc0; 1024 * 1024 + 4097]]),
        bad_map("truncated", vec![]),
        bad_map("truncated", cut),
        bad_map("truncated", vec![0xdf, 0xff, 0xff, 0xff, 0xff]),
        bad_map("truncated", with("value", vec![0xdb, 0xff, 0xff, 0xff, 0xff])),
        bad_map("not_a_map", b"junk".to_vec()),
        bad_map("not_a_map", vec![0xc0]),
        bad_map("not_msgpack", with("value", vec![0xc1])),
        bad_map("trailing_bytes", [&whole[..], b"more"].concat()),
        bad_map("too_deep", with("value", deep)),
        bad_map("not_utf8", with("table", vec![0xa2, 0xff, 0xfe])),
        bad_map("key_not_text", key_first),
        bad_map("duplicate_key", with_more("table", text("twice"))),
        bad_map("duplicate_key", with_more("action", text("twice"))),
        bad_map("missing_field", map(pairs("bad", "D").get(1..).expect("five pairs"))),
        bad_map("missing_field", vec![0x80]),
        bad_map("wrong_type", with("key", vec![7])),
        bad_map("wrong_type", with("action", vec![0xc0])),
        bad_map("wrong_type", with_more("version", text("1"))),
        bad(Where::Map, "topic_mismatch", vec![b"D".to_vec(), map(&pairs("bad", "E"))]),
        bad(Where::Map, "topic_mismatch", vec![b"DD".to_vec(), map(&pairs("bad", "D"))]),
        bad(Where::Admission, "stamped", vec![b"D".to_vec(), with_more("stamp", stamp)]),
        bad(Where::Admission, "reserved_topic", vec![b"$hello".to_vec(), map(&pairs("bad", "$hello"))]),
        bad(Where::Admission, "too_big", vec![b"D".to_vec(), vec![0xc0; 1024 * 1024 + 1]]),
    ]
}
