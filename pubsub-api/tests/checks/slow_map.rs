//! An event's map read slowly, by another reader of msgpack and by the letter of docs/design.md#wire-format, for comparison.

use pubsub_api::Topic;
use pubsub_api::wire::{MAX_DEPTH, SealedRef};
use rmpv::Value;

/// The pairs of a payload that is one map and nothing else.
#[derive(Debug)]
pub(crate) struct SlowMap {
    pairs: Vec<(Value, Value)>,
}

/// The parts of a sealed value.
type Sealed = (String, Vec<u8>, Vec<u8>);

/// The content of an accepted map.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) table: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) action: String,
    /// As [`packed`] makes it: values themselves do not compare, as a NaN equals nothing.
    pub(crate) value: Vec<u8>,
    pub(crate) topic: String,
    pub(crate) stamp: Option<[u64; 4]>,
    pub(crate) version: Option<u64>,
    /// The id of the key, the nonce, and the encrypted bytes.
    pub(crate) sealed: Option<Sealed>,
    /// No field came as bytes.
    pub(crate) all_text: bool,
    pub(crate) has_topic: bool,
}

impl SlowMap {
    pub(crate) fn read(mut payload: &[u8]) -> Option<Self> {
        match rmpv::decode::read_value_with_max_depth(&mut payload, READ_DEPTH) {
            Ok(Value::Map(pairs)) if payload.is_empty() => Some(Self { pairs }),
            _ => None,
        }
    }

    /// The map's word about its topic, whatever else is wrong with it.
    pub(crate) fn topic(&self) -> Option<&str> {
        match self.get("topic") {
            None | Some(Value::Nil) => Some(SEND_ALL),
            Some(Value::String(topic)) => topic.as_str(),
            Some(Value::Binary(topic)) => std::str::from_utf8(topic).ok(),
            Some(_) => None,
        }
    }

    /// The fields, if the map may come with the topic frame `frame`.
    pub(crate) fn fields(&self, frame: &[u8]) -> Option<Fields> {
        let mut keys: Vec<&str> = self.pairs.iter().map(|(key, _)| text(key)).collect::<Option<_>>()?;
        keys.sort_unstable();
        let twice = keys.iter().zip(keys.iter().skip(1)).any(|(one, next)| one == next);
        if twice || !self.pairs.iter().all(|(_, value)| is_good(value, 0)) {
            return None;
        }
        let topic = self.topic()?;
        let is_topic = (1..=Topic::MAX_BYTES).contains(&topic.len()) && !topic.contains('\0');
        if !is_topic || topic.as_bytes() != frame {
            return None;
        }
        let named = ["table", "key", "action", "topic"];
        Some(Fields {
            table: text_or_nil(self.get("table")?)?,
            key: text_or_nil(self.get("key")?)?,
            action: text_or_nil(self.get("action")?)??,
            value: packed(self.get("value")?),
            topic: topic.to_owned(),
            stamp: self.get("stamp").map_or(Some(None), |stamp| four_numbers(stamp).map(Some))?,
            version: self.get("version").map_or(Some(None), |version| version.as_u64().map(Some))?,
            sealed: self.get("sealed").map_or(Some(None), |value| sealed(value).map(Some))?,
            all_text: !named.iter().any(|name| matches!(self.get(name), Some(Value::Binary(_)))),
            has_topic: self.get("topic").is_some(),
        })
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.pairs.iter().find(|(key, _)| text(key) == Some(name)).map(|(_, value)| value)
    }
}

const SEND_ALL: &str = "D";

/// How deep the other reader goes, which recurs and counts each level twice: deeper than ours, and not too deep for the
/// stack of a test.
const READ_DEPTH: usize = 3 * MAX_DEPTH;

pub(crate) fn packed(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(rmpv::encode::write_value(&mut bytes, value).is_ok());
    bytes
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => text.as_str(),
        _ => None,
    }
}

fn text_or_nil(value: &Value) -> Option<Option<String>> {
    match value {
        Value::Nil => Some(None),
        Value::String(text) => text.as_str().map(|text| Some(text.to_owned())),
        Value::Binary(bytes) => String::from_utf8(bytes.clone()).ok().map(Some),
        _ => None,
    }
}

fn sealed(value: &Value) -> Option<Sealed> {
    let [key_id, nonce, text] = value.as_array()?.as_slice() else { return None };
    let key_id = key_id.as_str().filter(|id| id.len() <= SealedRef::MAX_KEY_ID_BYTES)?;
    match (nonce, text) {
        (Value::Binary(nonce), Value::Binary(text)) if nonce.len() == 24 => {
            Some((key_id.to_owned(), nonce.clone(), text.clone()))
        }
        _ => None,
    }
}

fn four_numbers(value: &Value) -> Option<[u64; 4]> {
    let numbers: Option<Vec<u64>> = value.as_array()?.iter().map(Value::as_u64).collect();
    numbers?.try_into().ok()
}

/// Whether all text is UTF-8, and nothing is nested too deep: arrays and maps count that hold something.
fn is_good(value: &Value, depth: usize) -> bool {
    match value {
        Value::String(text) => text.is_str(),
        Value::Array(items) if !items.is_empty() => {
            depth < MAX_DEPTH && items.iter().all(|item| is_good(item, depth + 1))
        }
        Value::Map(pairs) if !pairs.is_empty() => {
            depth < MAX_DEPTH
                && pairs.iter().all(|(key, value)| is_good(key, depth + 1) && is_good(value, depth + 1))
        }
        _ => true,
    }
}
