//! What JSON lacks, as objects of one key: `{"$bin":"c0ffee"}`.

use std::collections::HashSet;

use rmpv::Value as Msgpack;
use serde_json::{Map, Value as Json};

use pubsub_api::wire::{MAX_DEPTH, is_one_value};

const BIN: &str = "$bin";
const EXT: &str = "$ext";
const FLOAT: &str = "$float";
const MAP: &str = "$map";
const MSGPACK: &str = "$msgpack";

/// How many levels of JSON a value may have: serde_json reads 128, and the line around it has two. Deeper parts are
/// written as [`MSGPACK`], since a `$map` has three levels for one.
const LEVELS: usize = 100;

/// Writes a value so that [`plain`] returns the same.
///
/// Recursion is bounded: the wire refuses more than [`MAX_DEPTH`] levels.
pub(super) fn shown(value: Msgpack) -> Json {
    shown_within(value, LEVELS)
}

fn shown_within(value: Msgpack, levels: usize) -> Json {
    match value {
        Msgpack::Nil => Json::Null,
        Msgpack::Boolean(flag) => Json::Bool(flag),
        Msgpack::Integer(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Json::from(number),
            (_, number) => Json::from(number.unwrap_or_default()),
        },
        Msgpack::F32(number) => shown_float(f64::from(number)),
        Msgpack::F64(number) => shown_float(number),
        Msgpack::String(text) if text.is_str() => Json::from(text.into_str().unwrap_or_default()),
        Msgpack::String(_) => tagged(MSGPACK, Json::from(hex(&packed(&value)))),
        Msgpack::Binary(bytes) => tagged(BIN, Json::from(hex(&bytes))),
        Msgpack::Ext(kind, bytes) => tagged(EXT, Json::from(vec![Json::from(kind), Json::from(hex(&bytes))])),
        // A map may take three levels.
        deep @ (Msgpack::Array(_) | Msgpack::Map(_)) if levels < 4 => {
            tagged(MSGPACK, Json::from(hex(&packed(&deep))))
        }
        Msgpack::Array(items) => {
            Json::Array(items.into_iter().map(|item| shown_within(item, levels - 1)).collect())
        }
        Msgpack::Map(pairs) if is_object(&pairs) => {
            let pair = |(key, value): (Msgpack, Msgpack)| {
                (key.as_str().unwrap_or_default().to_owned(), shown_within(value, levels - 1))
            };
            Json::Object(pairs.into_iter().map(pair).collect())
        }
        Msgpack::Map(pairs) => {
            let shown = |value| shown_within(value, levels - 3);
            let pair = |(key, value)| Json::Array(vec![shown(key), shown(value)]);
            tagged(MAP, Json::Array(pairs.into_iter().map(pair).collect()))
        }
    }
}

/// Whether every key is text, none comes twice, and the whole does not look like one of these objects.
fn is_object(pairs: &[(Msgpack, Msgpack)]) -> bool {
    let mut seen = HashSet::new();
    let distinct = pairs.iter().all(|(key, _)| key.as_str().is_some_and(|key| seen.insert(key)));
    distinct && !(pairs.len() == 1 && seen.iter().any(|key| is_tag(key)))
}

fn is_tag(key: &str) -> bool {
    [BIN, EXT, FLOAT, MAP, MSGPACK].contains(&key)
}

fn shown_float(number: f64) -> Json {
    serde_json::Number::from_f64(number)
        .map_or_else(|| tagged(FLOAT, Json::from(number.to_string())), Json::Number)
}

fn tagged(tag: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([(tag.to_owned(), value)]))
}

/// The map that an object stands for, or the value if it is one of these objects.
///
/// # Errors
/// What is wrong with such an object.
pub(super) fn plain(mut pairs: Vec<(String, Msgpack)>) -> Result<Msgpack, String> {
    if let [(tag, value)] = pairs.as_mut_slice()
        && is_tag(tag)
    {
        let value = std::mem::replace(value, Msgpack::Nil);
        return untagged(tag, value);
    }
    Ok(Msgpack::Map(pairs.into_iter().map(|(key, value)| (Msgpack::from(key), value)).collect()))
}

fn untagged(tag: &str, value: Msgpack) -> Result<Msgpack, String> {
    let wants = |what: &str| format!("`{tag}` wants {what}");
    match (tag, value) {
        (BIN, Msgpack::String(text)) => unhex(text.as_str())
            .map(Msgpack::Binary)
            .ok_or_else(|| wants("hexadecimal digits, two for a byte")),
        (EXT, Msgpack::Array(parts)) => {
            ext(&parts).ok_or_else(|| wants("a type from -128 to 127 and hexadecimal digits"))
        }
        (FLOAT, Msgpack::String(text)) => {
            float(text.as_str()).map(Msgpack::F64).ok_or_else(|| wants("NaN, inf or -inf"))
        }
        (MAP, Msgpack::Array(pairs)) => {
            map(pairs).map(Msgpack::Map).ok_or_else(|| wants("a list of pairs, each [key, value]"))
        }
        (MSGPACK, Msgpack::String(text)) => unhex(text.as_str())
            .and_then(|bytes| unpacked(&bytes))
            .ok_or_else(|| wants("one msgpack value in hexadecimal digits")),
        (BIN | FLOAT | MSGPACK, _) => Err(wants("text")),
        _ => Err(wants("a list")),
    }
}

fn ext(parts: &[Msgpack]) -> Option<Msgpack> {
    let [kind, Msgpack::String(text)] = parts else { return None };
    let kind = i8::try_from(kind.as_i64()?).ok()?;
    Some(Msgpack::Ext(kind, unhex(text.as_str())?))
}

fn float(text: Option<&str>) -> Option<f64> {
    match text? {
        "NaN" => Some(f64::NAN),
        "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn map(pairs: Vec<Msgpack>) -> Option<Vec<(Msgpack, Msgpack)>> {
    let pairs = pairs.into_iter().map(|pair| match pair {
        Msgpack::Array(pair) => <[Msgpack; 2]>::try_from(pair).ok().map(|[key, value]| (key, value)),
        _ => None,
    });
    pairs.collect()
}

fn unpacked(mut bytes: &[u8]) -> Option<Msgpack> {
    if !is_one_value(bytes) {
        return None;
    }
    rmpv::decode::read_value_with_max_depth(&mut bytes, MAX_DEPTH + 2).ok()
}

/// The bytes of a value. Text that is not UTF-8 stays text, of which rmpv makes bytes.
pub(super) fn packed(value: &Msgpack) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = pack(&mut bytes, value);
    bytes
}

fn pack(out: &mut Vec<u8>, value: &Msgpack) -> Result<(), rmpv::encode::Error> {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    match value {
        Msgpack::String(text) => {
            rmp::encode::write_str_len(out, count(text.as_bytes().len()))?;
            out.extend_from_slice(text.as_bytes());
        }
        Msgpack::Array(items) => {
            rmp::encode::write_array_len(out, count(items.len()))?;
            items.iter().try_for_each(|item| pack(out, item))?;
        }
        Msgpack::Map(pairs) => {
            rmp::encode::write_map_len(out, count(pairs.len()))?;
            pairs.iter().try_for_each(|(key, value)| pack(out, key).and_then(|()| pack(out, value)))?;
        }
        scalar => rmpv::encode::write_value(out, scalar)?,
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: Option<&str>) -> Option<Vec<u8>> {
    let digits = text?.as_bytes();
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?));
    rest.is_empty().then(|| bytes.collect()).flatten()
}
