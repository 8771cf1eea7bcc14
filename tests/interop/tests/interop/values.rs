use interop::{filled, map, unstamped};
use serde_json::{Value, json};

use crate::cases::{Case, cases};
use crate::drivers::Drivers;
use crate::installation::{Installation, dropped};

pub(crate) const CASES: &[Case] = cases![
    every_kind_of_value_comes_unharmed_to_foreign_and_own_readers,
    an_event_of_exactly_one_mebibyte_passes_and_a_byte_more_is_dropped_and_counted,
];

const MIB: usize = 1024 * 1024;

fn texts() -> Vec<(&'static str, Vec<u8>, Value)> {
    let raw16 = [b"\xda\x00\x28".to_vec(), vec![b'x'; 40]].concat();
    let str8 = [b"\xd9\x28".to_vec(), vec![b'x'; 40]].concat();
    let large = [b"\xdb\x00\x04\xb0\x00".to_vec(), vec![b'y'; 300 * 1024]].concat();
    vec![
        ("nil", b"\xc0".to_vec(), Value::Null),
        ("no text", b"\xa0".to_vec(), json!("")),
        ("text", b"\xa4text".to_vec(), json!("text")),
        ("text-nul", b"\xa3a\x00b".to_vec(), json!("a\0b")),
        ("unicode", [b"\xaf", "grün 🦀 як".as_bytes()].concat(), json!("grün 🦀 як")),
        ("raw16", raw16, json!("x".repeat(40))),
        ("str8", str8, json!("x".repeat(40))),
        ("300 KiB", large, json!("y".repeat(300 * 1024))),
    ]
}

fn other_types() -> Vec<(&'static str, Vec<u8>, Value)> {
    let nested = b"\x82\xa1a\x93\x01\xff\xc0\xa1m\x81\xa1x\x90".to_vec();
    let deep = [vec![0x91; 64], vec![0xc0]].concat();
    let in_arrays = (0..64).fold(Value::Null, |inner, _| json!([inner]));
    vec![
        ("true", b"\xc3".to_vec(), json!(true)),
        ("int", b"\x07".to_vec(), json!(7)),
        ("int-negative", b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00".to_vec(), json!(i64::MIN)),
        ("int-largest", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), json!(u64::MAX)),
        ("float", b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00".to_vec(), json!(1.5)),
        ("float-nan", b"\xca\x7f\xc0\x00\x00".to_vec(), json!({ "$float": "NaN" })),
        ("nested", nested, json!({ "a": [1, -1, null], "m": { "x": [] } })),
        ("deepest", deep, in_arrays),
        ("bin", b"\xc4\x03\xc0\xff\xee".to_vec(), json!({ "$bin": "c0ffee" })),
        ("bin-empty", b"\xc4\x00".to_vec(), json!({ "$bin": "" })),
        ("ext", b"\xd5\x05\xab\xcd".to_vec(), json!({ "$ext": [5, "abcd"] })),
    ]
}

fn every_kind_of_value_comes_unharmed_to_foreign_and_own_readers(drivers: Drivers) {
    let Installation { folder, service, mut worker, node } = Installation::new(drivers);
    let agent = folder.subscribed_agent("agent", &service);
    let cases: Vec<_> = texts().into_iter().chain(other_types()).collect();
    for (name, value, read) in &cases {
        let payload = map(name, value);
        worker.send_map(&payload);
        let line = node.wait_for_key(name);
        assert_eq!(unstamped(&line), [b"D".to_vec(), payload], "{name}: byte for byte");
        assert_eq!(line["value"], *read, "{name}: as msgpack reads it");
        let event = agent.wait_for(name, |line| line["key"] == *name);
        assert_eq!(event["value"], *read, "{name}: as our agent prints it");
    }
    node.assert_undisturbed();
    assert!(dropped(&folder, "service").is_empty());
    assert!(dropped(&folder, "agent").is_empty());
}

fn an_event_of_exactly_one_mebibyte_passes_and_a_byte_more_is_dropped_and_counted(drivers: Drivers) {
    let Installation { folder, service, mut worker, node } = Installation::new(drivers);
    let agent = folder.subscribed_agent("agent", &service);
    let largest = filled("largest", MIB);
    worker.send_map(&largest);
    assert!(unstamped(&node.wait_for_key("largest"))[1] == largest, "byte for byte");
    let at_agent = agent.wait_for("the largest event", |line| line["key"] == "largest");
    assert!(at_agent["value"] == node.wait_for_key("largest")["value"], "the agent prints all of it");

    for size in [MIB + 1, MIB + 4096, MIB + 4097, 3 * MIB] {
        worker.send_map(&filled("too-large", size));
    }
    worker.send_map(&map("next", b"\xa1v"));
    node.wait_for_key("next");
    assert_eq!(dropped(&folder, "service"), [("too_big".to_owned(), 4)].into());
    assert_eq!(node.own().len(), 2);
    node.assert_undisturbed();
}
