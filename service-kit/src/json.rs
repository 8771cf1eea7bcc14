//! Events as JSON lines: `{"table","key","action","value","topic"}`, for people, scripts and change logs.
//!
//! A line that is written is read back as the same event. A value that JSON lacks is an object of one key:
//!
//! | object | value |
//! |---|---|
//! | `{"$bin":"c0ffee"}` | bytes |
//! | `{"$ext":[5,"c0ffee"]}` | an extension of type 5 |
//! | `{"$float":"NaN"}` | the float NaN; likewise `inf` and `-inf` |
//! | `{"$map":[[1,"a"],["1","b"]]}` | a map of which a key is no text, or comes twice; each pair is `[key,value]` |
//! | `{"$msgpack":"93010203"}` | any value by its bytes: one that is nested too deep for readers of JSON, or text that is not UTF-8 |
//!
//! A map that has one of these names as its only key is written as a `$map`, so that no map is taken for something else. A
//! float of 32 bits becomes one of 64 bits.

mod notation;
mod reading;

use rmpv::Value as Msgpack;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use bytes::Bytes;
use pubsub_api::{Action, Error, ErrorKind, Event, PublisherEpoch, Result, SEND_ALL, Stamp, Topic, Value};

use notation::{packed, shown};
use reading::{ReadValue, oversized_integer};

/// The five fields as they are in a line.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<&'a str>,
}

/// Sixteen hexadecimal digits for the publisher, since JSON readers commonly round above 2⁵³.
#[derive(Debug, Serialize)]
struct WrittenStamp {
    #[serde(flatten)]
    publisher_epoch: PublisherEpoch,
    sequence: u64,
    time_us: u64,
}

/// What a line has besides the event itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineOptions<'a> {
    /// How the event came, as `"origin":"replay"`; `None` for one of the stream.
    pub origin: Option<&'a str>,
    /// Whether the stamp is written, as `"stamp":{"publisher":"5f1c0b5e2a9d4c11","epoch":1,"sequence":7,"time_us":2}`.
    pub stamp: bool,
    /// The id of the key with which the value is sealed, as `"sealed":"2026-12"`: the null beside it is not the value, so such a
    /// line is not read back.
    pub sealed: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum WrittenValue<'a> {
    Text(&'a str),
    Other(Json),
}

/// A line as it is read. What [`LineOptions`] add is let pass, except for `sealed`, so that the output of `subscriber-agent` can be published
/// again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    table: Option<String>,
    key: Option<String>,
    action: String,
    #[serde(default)]
    value: ReadValue,
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
/// Text is a JSON string; any other msgpack value becomes the JSON that [`from_line`] reads as the same value.
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
///
/// ```
/// use pubsub_api::{Action, Event, SEND_ALL};
/// use service_kit::json::{LineOptions, to_line_with};
///
/// let event = Event::new("lport", "port-1", Action::Set, "up", SEND_ALL);
/// let line = to_line_with(&event, LineOptions { origin: Some("replay"), stamp: true, sealed: None })?;
/// assert!(line.ends_with(r#","origin":"replay"}"#), "an event without a stamp has none in its line either");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
pub fn to_line_with(event: &Event, options: LineOptions<'_>) -> Result<String> {
    serde_json::to_string(&written(event, options)?).map_err(not_written)
}

/// As [`to_line_with`], at the end of `line`; after an error `line` is as before.
///
/// # Errors
/// As [`to_line`].
pub fn append_line(line: &mut Vec<u8>, event: &Event, options: LineOptions<'_>) -> Result<()> {
    let (written, before) = (written(event, options)?, line.len());
    serde_json::to_writer(&mut *line, &written).map_err(|error| {
        line.truncate(before);
        not_written(error)
    })
}

fn not_written(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "cannot write an event as JSON").with_source(error)
}

fn written<'a>(event: &'a Event, options: LineOptions<'a>) -> Result<Written<'a>> {
    let value = match &event.value {
        Value::Nil => WrittenValue::Other(Json::Null),
        Value::Text(text) => WrittenValue::Text(text),
        Value::Other(bytes) => WrittenValue::Other(json_of_bytes(bytes)?),
    };
    Ok(Written {
        table: event.table.as_deref(),
        key: event.key.as_deref(),
        action: event.action.as_str(),
        value,
        topic: event.topic.as_str(),
        version: event.version,
        origin: options.origin,
        stamp: event.stamp.filter(|_| options.stamp).map(WrittenStamp::from),
        sealed: options.sealed,
    })
}

impl From<Stamp> for WrittenStamp {
    fn from(Stamp { publisher, epoch, sequence, time_us }: Stamp) -> Self {
        Self { publisher_epoch: PublisherEpoch { publisher, epoch }, sequence, time_us }
    }
}

/// Reads an event from one line of JSON; an absent or null topic is `D`, an absent value is nil.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the line is no JSON object of these fields, if the topic is not one to publish on, and if the
/// value cannot be kept as it is: an integer of more than 64 bits, a key that comes twice, an object such as `{"$bin":…}`
/// that is wrong.
///
/// ```
/// use pubsub_api::SEND_ALL;
/// use service_kit::json::{from_line, to_line};
///
/// let event = from_line(r#"{"table":"lport","key":"port-1","action":"set","value":{"$bin":"c0ffee"}}"#)?;
/// assert_eq!(event.topic, SEND_ALL);
/// let line = r#"{"table":"lport","key":"port-1","action":"set","value":{"$bin":"c0ffee"},"topic":"D"}"#;
/// assert_eq!(to_line(&event)?, line);
/// assert!(from_line(r#"{"tabel":"lport","action":"set"}"#).is_err(), "unknown fields are refused");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
pub fn from_line(line: &str) -> Result<Event> {
    let read: Read = serde_json::from_str(line)
        .map_err(|error| Error::new(ErrorKind::Invalid, "not an event").with_source(error))?;
    if let Some(integer) = oversized_integer(line) {
        let integer: String = integer.chars().take(40).collect();
        let text = format!("not an event: the integer {integer} has more than 64 bits; write it as text");
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    let topic = read.topic.map_or(Ok(SEND_ALL), Topic::new)?;
    Ok(Event {
        table: read.table,
        key: read.key,
        action: Action::from(read.action.as_str()),
        value: value_of(read.value),
        topic,
        stamp: None,
        version: read.version,
    })
}

fn value_of(ReadValue(value): ReadValue) -> Value {
    match value {
        Msgpack::Nil => Value::Nil,
        Msgpack::String(text) if text.is_str() => Value::Text(text.into_str().unwrap_or_default()),
        other => Value::Other(Bytes::from(packed(&other))),
    }
}

fn json_of_bytes(mut bytes: &[u8]) -> Result<Json> {
    rmpv::decode::read_value(&mut bytes)
        .map(shown)
        .map_err(|error| Error::new(ErrorKind::Internal, "a value is no msgpack").with_source(error))
}

#[cfg(test)]
mod tests;
