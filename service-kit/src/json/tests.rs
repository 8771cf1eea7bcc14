use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use rmpv::Value as Msgpack;

use super::{LineOptions, from_line, to_line, to_line_with};
use pubsub_api::wire::{EventRef, MAX_DEPTH};
use pubsub_api::{Action, Envelope, Event, SEND_ALL, Stamp, Value};

#[test]
fn a_line_read_and_written_is_the_same_line() {
    for line in [
        r#"{"table":"lport","key":"k","action":"create","value":"{\"id\": 1}","topic":"t"}"#,
        r#"{"table":"lport","key":"k","action":"delete","value":null,"topic":"D"}"#,
        r#"{"table":null,"key":null,"action":"sync","value":null,"topic":"D"}"#,
        r#"{"table":"a","key":"b","action":"own","value":[1,-2,2.5,{"x":[true,null]},"é"],"topic":"D"}"#,
        r#"{"table":"a","key":"b","action":"set","value":"v","topic":"D","version":7}"#,
    ] {
        let event = from_line(line).unwrap();
        assert_eq!(to_line(&event).unwrap(), line);
        let packed = Envelope::pack(&event).unwrap();
        let read = EventRef::read(packed.topic.as_bytes(), &packed.payload).unwrap();
        assert_eq!(read.to_event(), event, "the wire keeps every value");
    }
}

#[test]
fn origin_and_stamp_are_added_where_they_are_wanted_and_let_pass_where_lines_are_read() {
    let plain = r#"{"table":"a","key":"b","action":"set","value":"v","topic":"D","version":7}"#;
    let mut event = from_line(plain).unwrap();
    let stamp = Stamp { publisher: 0x5f, epoch: 2, sequence: 3, time_us: 4 };
    event.stamp = Some(stamp);
    assert_eq!(to_line(&event).unwrap(), plain);
    let line =
        to_line_with(&event, LineOptions { origin: Some("replay"), stamp: true, sealed: None }).unwrap();
    let added =
        r#","origin":"replay","stamp":{"publisher":"000000000000005f","epoch":2,"sequence":3,"time_us":4}}"#;
    assert_eq!(line, plain.replace('}', added));
    assert_eq!(from_line(&line).unwrap(), from_line(plain).unwrap());
    event.stamp = None;
    assert_eq!(to_line_with(&event, LineOptions { stamp: true, ..LineOptions::default() }).unwrap(), plain);
}

#[test]
fn what_json_lacks_is_written_as_an_object() {
    let mut event = from_line(r#"{"table":"a","key":"b","action":"set"}"#).unwrap();
    for (bytes, json) in [
        (&[0xc4, 2, 0xc0, 0xff][..], r#"{"$bin":"c0ff"}"#),
        (&[0xd4, 5, 0xab], r#"{"$ext":[5,"ab"]}"#),
        (&[0xca, 0x7f, 0xc0, 0, 0], r#"{"$float":"NaN"}"#),
        (&[0x81, 1, 2], r#"{"$map":[[1,2]]}"#),
        (&[0x82, 1, 2, 0xa1, b'1', 3], r#"{"$map":[[1,2],["1",3]]}"#),
        (&[0x82, 0xa1, b'a', 2, 0xa1, b'a', 3], r#"{"$map":[["a",2],["a",3]]}"#),
        (&[0x81, 0xa4, b'$', b'b', b'i', b'n', 0xa0], r#"{"$map":[["$bin",""]]}"#),
        (&[0x81, 0xa4, b'$', b'r', b'e', b'f', 0xa0], r#"{"$ref":""}"#),
        (&[0x91, 0xa1, 0xff], r#"[{"$msgpack":"a1ff"}]"#),
    ] {
        event.value = Value::Other(bytes::Bytes::copy_from_slice(bytes));
        let line = to_line(&event).unwrap();
        assert!(line.contains(&format!("\"value\":{json},")), "{json}: {line}");
        let again = to_line(&from_line(&line).unwrap()).unwrap();
        assert_eq!(again, line, "read back as the same");
    }
}

#[test]
fn maps_as_keys_of_maps_make_no_line_of_gigabytes() {
    let (maps, ends) = (vec![0x81; MAX_DEPTH], vec![0xc0; MAX_DEPTH + 1]);
    let mut event = from_line(r#"{"table":"a","key":"b","action":"set"}"#).unwrap();
    event.value = Value::Other(bytes::Bytes::from([maps, ends].concat()));
    let line = to_line(&event).unwrap();
    assert!(line.len() < 1000 && line.contains(r#"{"$msgpack":"8181"#), "{line}");
    assert_eq!(from_line(&line).unwrap(), event);
}

#[test]
fn a_line_that_is_no_event_is_refused_with_the_reason() {
    for (line, reason) in [
        ("", "EOF"),
        ("[]", "not an event"),
        (r#"{"table":"a","key":"b"}"#, "missing field `action`"),
        (r#"{"table":"a","key":"b","action":"set","vlaue":1}"#, "unknown field `vlaue`"),
        (r#"{"table":7,"key":"b","action":"set"}"#, "invalid type"),
        (r#"{"table":"a","key":"b","action":"set","topic":""}"#, "1 to 255 bytes"),
        (r#"{"notice":"ready"}"#, "unknown field `notice`"),
        (&line_with("1180591620717411303424"), "the integer 1180591620717411303424 has more than 64 bits"),
        (&line_with("[\"-1\\\"\",-9223372036854775809]"), "the integer -9223372036854775809 has more"),
        (
            &line_with(r#"{"id":340282366920938463463374607431768211456}"#),
            "more than 64 bits; write it as text",
        ),
        (&line_with("1e400"), "number out of range"),
        (&line_with(r#"{"a":1,"b":[],"a":2}"#), "the key \"a\" is there twice"),
        (&line_with(r#"[{"$bin":"c0f"}]"#), "`$bin` wants hexadecimal digits"),
        (&line_with(r#"{"$ext":[128,"c0"]}"#), "`$ext` wants a type from -128 to 127"),
        (&line_with(r#"{"$float":"1.5"}"#), "`$float` wants NaN"),
        (&line_with(r#"{"$map":[[1]]}"#), "`$map` wants a list of pairs"),
        (&line_with(r#"{"$msgpack":"9301"}"#), "`$msgpack` wants one msgpack value"),
        (&line_with(r#"{"$map":{"a":1}}"#), "`$map` wants a list"),
    ] {
        let text = from_line(line).unwrap_err().to_string();
        assert!(text.contains(reason), "{line}: {text}");
    }
}

/// A line with this value.
fn line_with(value: &str) -> String {
    format!(r#"{{"table":"a","key":"b","action":"set","value":{value}}}"#)
}

#[test]
fn integers_of_64_bits_stay_exact_and_digits_in_text_are_no_integers() {
    for value in
        ["18446744073709551615", "-9223372036854775808", "[0,-1]", r#"["99999999999999999999\\","é\"9e"]"#]
    {
        let line = to_line(&from_line(&line_with(value)).unwrap()).unwrap();
        assert!(line.contains(&format!("\"value\":{value},")), "{line}");
    }
    assert!(
        to_line(&from_line(&line_with("1e22")).unwrap()).unwrap().contains("\"value\":1e+22"),
        "a float by its form"
    );
}

fn any_value() -> impl Strategy<Value = Msgpack> {
    let text = prop_oneof!["[a-z1$]{0,3}", Just("$bin".to_owned()), Just("$map".to_owned())];
    let leaf = prop_oneof![
        Just(Msgpack::Nil),
        any::<bool>().prop_map(Msgpack::from),
        any::<i64>().prop_map(Msgpack::from),
        any::<u64>().prop_map(Msgpack::from),
        any::<f64>().prop_map(|number| Msgpack::F64(if number.is_nan() { f64::NAN } else { number })),
        text.prop_map(Msgpack::from),
        any::<Vec<u8>>().prop_map(Msgpack::Binary),
        (any::<i8>(), any::<Vec<u8>>()).prop_map(|(kind, bytes)| Msgpack::Ext(kind, bytes)),
    ];
    leaf.prop_recursive(40, 200, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Msgpack::Array),
            prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Msgpack::Map),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_that_is_written_is_read_back_as_the_same(value in any_value()) {
        let mut event = from_line(r#"{"table":"a","key":"b","action":"set"}"#).unwrap();
        event.value = super::value_of(super::ReadValue(value));
        let line = to_line(&event).unwrap();
        prop_assert_eq!(from_line(&line).unwrap(), event, "{}", line);
    }
}

#[test]
fn the_line_of_a_sealed_event_is_marked_and_is_not_read_back_as_an_event_without_value() {
    let event = Event::new("lport", "port-1", Action::Set, Value::Nil, SEND_ALL);
    let line =
        to_line_with(&event, LineOptions { sealed: Some("2026-12"), ..LineOptions::default() }).unwrap();
    assert!(line.ends_with(r#""value":null,"topic":"D","sealed":"2026-12"}"#), "{line}");
    assert!(from_line(&line).unwrap_err().to_string().contains("not an event"));
}
