use std::collections::HashSet;
use std::fmt;

use rmpv::Value as Msgpack;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::notation;

/// A JSON value as msgpack, its keys in order and each once, and what [`notation`] writes as what it stands for.
#[derive(Debug)]
pub(super) struct ReadValue(pub(super) Msgpack);

impl Default for ReadValue {
    fn default() -> Self {
        Self(Msgpack::Nil)
    }
}

impl<'de> Deserialize<'de> for ReadValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Msgpack;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Msgpack, E> {
        Ok(Msgpack::Nil)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Msgpack, E> {
        Ok(Msgpack::Boolean(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Msgpack, E> {
        Ok(Msgpack::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Msgpack, E> {
        Ok(Msgpack::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Msgpack, E> {
        Ok(Msgpack::F64(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Msgpack, E> {
        Ok(Msgpack::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Msgpack, A::Error> {
        let mut array = Vec::new();
        while let Some(ReadValue(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Msgpack::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Msgpack, A::Error> {
        let (mut pairs, mut seen) = (Vec::new(), HashSet::new());
        while let Some((key, ReadValue(value))) = fields.next_entry::<String, ReadValue>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("the key {key:?} is there twice")));
            }
            pairs.push((key, value));
        }
        notation::plain(pairs).map_err(A::Error::custom)
    }
}

/// The first integer of a JSON text that needs more than 64 bits: readers of JSON make a floating point number of it.
pub(super) fn oversized_integer(json: &str) -> Option<&str> {
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (_, token) = rest.split_at(at);
        if token.starts_with('"') {
            rest = after_text(token);
            continue;
        }
        let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let (number, after) = token.split_at(token.find(|c| !is_part(c)).unwrap_or(token.len()));
        let is_integer = !number.contains(['.', 'e', 'E']);
        if is_integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
            return Some(number);
        }
        rest = after;
    }
    None
}

/// What follows a JSON string, which begins with its mark.
fn after_text(token: &str) -> &str {
    let mut escaped = false;
    let end = token.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.and_then(|(at, _)| token.get(at + 1..)).unwrap_or_default()
}
