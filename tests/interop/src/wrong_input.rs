use rmpv::Value;

use crate::{MapBuilder, filled};

/// An invalid message, and the cause under which it must be counted.
#[derive(Debug, Clone)]
pub struct WrongInput {
    /// The description of the fault.
    pub what: &'static str,
    /// The message.
    pub frames: Vec<Vec<u8>>,
    /// The cause in the counters.
    pub cause: &'static str,
}

/// The invalid messages that both a worker and a publisher may send.
#[must_use]
pub fn wrong_input() -> Vec<WrongInput> {
    let mut all = wrong_frames();
    all.extend(wrong_bytes());
    all.extend(wrong_maps());
    all.extend(wrong_sizes());
    all
}

fn wrong_frames() -> Vec<WrongInput> {
    let good = || MapBuilder::event("D").bytes();
    let of_topic =
        |what, frame: &[u8], cause| WrongInput { what, frames: vec![frame.to_vec(), good()], cause };
    let three = vec![b"D".to_vec(), good(), b"more".to_vec()];
    vec![
        WrongInput { what: "one frame", frames: vec![good()], cause: "frame_count" },
        WrongInput { what: "three frames", frames: three, cause: "frame_count" },
        of_topic("an empty topic frame", b"", "bad_topic"),
        of_topic("a topic frame that is not UTF-8", b"\xff\xfe", "bad_topic"),
        of_topic("a topic frame of 256 bytes", &[b'D'; 256], "bad_topic"),
        of_topic("a topic frame with a NUL", b"D\0", "bad_topic"),
        of_topic("a frame of another topic", b"tenant-1", "topic_mismatch"),
        of_topic("a frame that only begins like the topic", b"Demo", "topic_mismatch"),
    ]
}

fn wrong_bytes() -> Vec<WrongInput> {
    let good = MapBuilder::event("D").bytes();
    let cut = good.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default();
    let trailing = [good.as_slice(), b"\xc0"].concat();
    let twice = [good.as_slice(), &good].concat();
    vec![
        on_d("an empty payload", Vec::new(), "truncated"),
        on_d("a byte that msgpack never uses", vec![0xc1], "not_msgpack"),
        on_d("JSON", br#"{"table":"lport"}"#.to_vec(), "not_a_map"),
        on_d("nil", vec![0xc0], "not_a_map"),
        on_d("an array", [&[0x95], good.split_at(1).1].concat(), "not_a_map"),
        on_d("a map that ends early", cut, "truncated"),
        on_d(
            "a map that announces four thousand million pairs",
            b"\xdf\xff\xff\xff\xff".to_vec(),
            "truncated",
        ),
        on_d("a byte after the map", trailing, "trailing_bytes"),
        on_d("two maps", twice, "trailing_bytes"),
    ]
}

fn wrong_maps() -> Vec<WrongInput> {
    let event = || MapBuilder::event("D");
    let nested = [[0x91].repeat(100_000), vec![0xc0]].concat();
    let nested_maps = [b"\x81\xa0".repeat(100_000), vec![0xc0]].concat();
    let cases = [
        ("a map without table", event().without("table"), "missing_field"),
        ("a map without key", event().without("key"), "missing_field"),
        ("a map without action", event().without("action"), "missing_field"),
        ("a map without value", event().without("value"), "missing_field"),
        ("a number for a key of the map", event().and(7, "seven"), "key_not_text"),
        ("nil for a key of the map", event().and(Value::Nil, "nil"), "key_not_text"),
        ("a key twice", event().and("table", "lport"), "duplicate_key"),
        ("an unknown key twice", event().and("tag", 1).and("tag", 2), "duplicate_key"),
        ("a number for table", event().with("table", 7), "wrong_type"),
        ("nil for action", event().with("action", Value::Nil), "wrong_type"),
        ("an array for topic", event().with("topic", Value::Array(Vec::new())), "wrong_type"),
        ("an invalid stamp", event().and("stamp", "now"), "wrong_type"),
        (
            "a stamp of three numbers",
            event().and("stamp", Value::Array(vec![1.into(), 2.into(), 3.into()])),
            "wrong_type",
        ),
        ("text that is not UTF-8", event().with_raw("value", b"\xa2\xff\xfe".to_vec()), "not_utf8"),
        ("a surrogate in UTF-8", event().with_raw("key", b"\xa3\xed\xa0\x80".to_vec()), "not_utf8"),
        (
            "a value that announces 4 GiB",
            event().with_raw("value", b"\xc6\xff\xff\xff\xff".to_vec()),
            "truncated",
        ),
        ("arrays nested 100,000 deep", event().with_raw("value", nested), "too_deep"),
        ("maps nested 100,000 deep", event().with_raw("value", nested_maps), "too_deep"),
        ("another topic in the map", event().with("topic", "tenant-1"), "topic_mismatch"),
    ];
    cases.map(|(what, map, cause)| on_d(what, map.bytes(), cause)).to_vec()
}

fn wrong_sizes() -> Vec<WrongInput> {
    vec![
        on_d("a map of 1 MiB, what a service may append, and a byte", filled("big", MIB + 4097), "too_big"),
        on_d("a map of 5 MiB", filled("big", 5 * MIB), "too_big"),
    ]
}

const MIB: usize = 1024 * 1024;

fn on_d(what: &'static str, payload: Vec<u8>, cause: &'static str) -> WrongInput {
    WrongInput { what, frames: vec![b"D".to_vec(), payload], cause }
}
