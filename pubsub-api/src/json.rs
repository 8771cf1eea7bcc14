//! Events as JSON lines: `{"table","key","action","value","topic"}`, for people, scripts and change logs.

use rmpv::Value as Msgpack;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{Action, Error, ErrorKind, Event, Incarnation, Result, SEND_ALL, Stamp, Topic, Value};
use bytes::Bytes;

/// The five fields as they stand in a line.
#[derive(Debug, Serialize)]
struct Written<'a> {
    table: Option<&'a str>,
    key: Option<&'a str>,
    action: &'a str,
    value: WrittenValue<'a>,
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stamp: Option<WrittenStamp>,
}

/// Sixteen hexadecimal digits for the publisher, since JSON readers commonly round above 2⁵³.
#[derive(Debug, Serialize)]
struct WrittenStamp {
    #[serde(flatten)]
    incarnation: Incarnation,
    sequence: u64,
    time_us: u64,
}

/// What a line says besides the event itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineOptions<'a> {
    /// How the event came, as `"origin":"replay"`; `None` for one of the stream.
    pub origin: Option<&'a str>,
    /// Whether the stamp is written, as `"stamp":{"publisher":"5f1c0b5e2a9d4c11","epoch":1,"sequence":7,"time_us":2}`.
    pub stamp: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum WrittenValue<'a> {
    Text(&'a str),
    Other(Json),
}

/// A line as it is read. What [`LineOptions`] add is let pass, so that the output of `subscriber-agent` can be published
/// again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    table: Option<String>,
    key: Option<String>,
    action: String,
    #[serde(default)]
    value: Json,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    version: Option<u64>,
    #[serde(default, rename = "stamp")]
    _stamp: Option<serde::de::IgnoredAny>,
    #[serde(default, rename = "origin")]
    _origin: Option<serde::de::IgnoredAny>,
}

/// Writes an event as one line of JSON, without the line's end.
///
/// Text is a JSON string; any other msgpack value becomes the JSON nearest to it. What JSON lacks is written as an
/// object: `{"$bin":"c0ffee"}` for bytes, `{"$ext":[type,"c0ffee"]}` for extensions, `{"$float":"NaN"}`. A key that is not
/// text is written as the JSON text of it; one that is an array or a map as that of `{"$msgpack":"93010203"}`.
///
/// # Errors
/// [`ErrorKind::Internal`] if the value's bytes are no msgpack, which a checked event excludes.
pub fn to_line(event: &Event) -> Result<String> {
    to_line_with(event, LineOptions::default())
}

/// As [`to_line`], and what `options` add at its end.
///
/// # Errors
/// As [`to_line`].
pub fn to_line_with(event: &Event, options: LineOptions<'_>) -> Result<String> {
    let value = match &event.value {
        Value::Nil => WrittenValue::Other(Json::Null),
        Value::Text(text) => WrittenValue::Text(text),
        Value::Other(bytes) => WrittenValue::Other(json_of_bytes(bytes)?),
    };
    let written = Written {
        table: event.table.as_deref(),
        key: event.key.as_deref(),
        action: event.action.as_str(),
        value,
        topic: event.topic.as_str(),
        version: event.version,
        origin: options.origin,
        stamp: event.stamp.filter(|_| options.stamp).map(WrittenStamp::from),
    };
    serde_json::to_string(&written)
        .map_err(|error| Error::new(ErrorKind::Internal, "cannot write an event as JSON").with_source(error))
}

impl From<Stamp> for WrittenStamp {
    fn from(Stamp { publisher, epoch, sequence, time_us }: Stamp) -> Self {
        Self { incarnation: Incarnation { publisher, epoch }, sequence, time_us }
    }
}

/// Reads an event from one line of JSON; an absent or null topic is `D`, an absent value is nil.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the line is no JSON object of these fields, or the topic is not one to publish on.
pub fn from_line(line: &str) -> Result<Event> {
    let read: Read = serde_json::from_str(line)
        .map_err(|error| Error::new(ErrorKind::Invalid, "not an event").with_source(error))?;
    let topic = read.topic.map_or(Ok(SEND_ALL), Topic::new)?;
    Ok(Event {
        table: read.table,
        key: read.key,
        action: Action::from(read.action.as_str()),
        value: value_of_json(read.value)?,
        topic,
        stamp: None,
        version: read.version,
    })
}

fn value_of_json(json: Json) -> Result<Value> {
    match json {
        Json::Null => Ok(Value::Nil),
        Json::String(text) => Ok(Value::Text(text)),
        other => {
            let mut bytes = Vec::new();
            rmpv::encode::write_value(&mut bytes, &msgpack_of_json(other))
                .map_err(|error| Error::new(ErrorKind::Internal, "cannot pack a value").with_source(error))?;
            Ok(Value::Other(Bytes::from(bytes)))
        }
    }
}

/// Recursion is bounded: the JSON reader refuses more than 128 levels.
fn msgpack_of_json(json: Json) -> Msgpack {
    match json {
        Json::Null => Msgpack::Nil,
        Json::Bool(flag) => Msgpack::Boolean(flag),
        Json::String(text) => Msgpack::from(text),
        Json::Array(items) => Msgpack::Array(items.into_iter().map(msgpack_of_json).collect()),
        Json::Object(fields) => Msgpack::Map(
            fields.into_iter().map(|(key, value)| (key.into(), msgpack_of_json(value))).collect(),
        ),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Msgpack::from(number),
            (_, Some(number)) => Msgpack::from(number),
            _ => Msgpack::from(number.as_f64().unwrap_or(f64::NAN)),
        },
    }
}

fn json_of_bytes(mut bytes: &[u8]) -> Result<Json> {
    rmpv::decode::read_value(&mut bytes)
        .map(json_of_msgpack)
        .map_err(|error| Error::new(ErrorKind::Internal, "a value is no msgpack").with_source(error))
}

/// Recursion is bounded: the wire refuses more than [`MAX_DEPTH`](crate::wire::MAX_DEPTH) levels.
fn json_of_msgpack(value: Msgpack) -> Json {
    match value {
        Msgpack::Nil => Json::Null,
        Msgpack::Boolean(flag) => Json::Bool(flag),
        Msgpack::Integer(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Json::from(number),
            (_, number) => Json::from(number.unwrap_or_default()),
        },
        Msgpack::F32(number) => json_of_float(f64::from(number)),
        Msgpack::F64(number) => json_of_float(number),
        Msgpack::String(text) => Json::from(text.into_str().unwrap_or_default()),
        Msgpack::Binary(bytes) => tagged("$bin", Json::from(hex(&bytes))),
        Msgpack::Ext(kind, bytes) => {
            tagged("$ext", Json::from(vec![Json::from(kind), Json::from(hex(&bytes))]))
        }
        Msgpack::Array(items) => Json::Array(items.into_iter().map(json_of_msgpack).collect()),
        Msgpack::Map(pairs) => Json::Object(pairs.into_iter().map(json_pair).collect()),
    }
}

/// A key that is not text is written as the JSON text of it, an array or a map as its bytes: text in text in text would
/// double its backslashes at each level.
fn json_pair((key, value): (Msgpack, Msgpack)) -> (String, Json) {
    let key = match key {
        Msgpack::Array(_) | Msgpack::Map(_) => tagged("$msgpack", Json::from(hex(&packed(&key)))),
        key => json_of_msgpack(key),
    };
    let key = match key {
        Json::String(text) => text,
        other => other.to_string(),
    };
    (key, json_of_msgpack(value))
}

fn packed(value: &Msgpack) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = rmpv::encode::write_value(&mut bytes, value);
    bytes
}

fn json_of_float(number: f64) -> Json {
    serde_json::Number::from_f64(number)
        .map_or_else(|| tagged("$float", Json::from(number.to_string())), Json::Number)
}

fn tagged(tag: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([(tag.to_owned(), value)]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{LineOptions, from_line, to_line, to_line_with};
    use crate::wire::{EventRef, MAX_DEPTH};
    use crate::{Envelope, Stamp};

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
        let line = to_line_with(&event, LineOptions { origin: Some("replay"), stamp: true }).unwrap();
        let added = r#","origin":"replay","stamp":{"publisher":"000000000000005f","epoch":2,"sequence":3,"time_us":4}}"#;
        assert_eq!(line, plain.replace('}', added));
        assert_eq!(from_line(&line).unwrap(), from_line(plain).unwrap());
        event.stamp = None;
        assert_eq!(to_line_with(&event, LineOptions { origin: None, stamp: true }).unwrap(), plain);
    }

    #[test]
    fn what_json_lacks_is_written_as_an_object() {
        let mut event = from_line(r#"{"table":"a","key":"b","action":"set"}"#).unwrap();
        for (bytes, json) in [
            (&[0xc4, 2, 0xc0, 0xff][..], r#"{"$bin":"c0ff"}"#),
            (&[0xd4, 5, 0xab], r#"{"$ext":[5,"ab"]}"#),
            (&[0xca, 0x7f, 0xc0, 0, 0], r#"{"$float":"NaN"}"#),
            (&[0x81, 1, 2], r#"{"1":2}"#),
        ] {
            event.value = crate::Value::Other(bytes::Bytes::copy_from_slice(bytes));
            assert!(to_line(&event).unwrap().contains(&format!("\"value\":{json},")), "{json}");
        }
    }

    #[test]
    fn maps_as_keys_of_maps_make_no_line_of_gigabytes() {
        let (maps, ends) = (vec![0x81; MAX_DEPTH], vec![0xc0; MAX_DEPTH + 1]);
        let mut event = from_line(r#"{"table":"a","key":"b","action":"set"}"#).unwrap();
        event.value = crate::Value::Other(bytes::Bytes::from([maps, ends].concat()));
        let line = to_line(&event).unwrap();
        assert!(line.len() < 400 && line.contains(r#"{"{\"$msgpack\":\"8181"#), "{line}");
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
        ] {
            let text = from_line(line).unwrap_err().to_string();
            assert!(text.contains(reason), "{line}: {text}");
        }
    }
}
