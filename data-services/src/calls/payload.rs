//! Arguments and results as JSON text, within bounds.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::CallError;
use crate::borrowed_text::BorrowedText;

/// The maximum length of arguments and of a result as JSON text, in bytes: half of what a packet may have.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// The maximum nesting of arrays and objects in arguments and results; serde_json reads at most 127.
pub(crate) const MAX_PAYLOAD_DEPTH: usize = 64;

/// Writes a value as compact text.
///
/// # Errors
/// Which bound it exceeds.
pub(crate) fn encode(value: &Json) -> Result<Arc<str>, String> {
    if !is_within(value, MAX_PAYLOAD_DEPTH) {
        return Err(too_deep());
    }
    let text = serde_json::to_string(value).map_err(|error| format!("it cannot be JSON: {error}"))?;
    check_length(&text)?;
    Ok(text.into())
}

/// Reads a value that a peer sent.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn decode(text: &str) -> Result<Json, String> {
    check_length(text)?;
    let value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    if is_within(&value, MAX_PAYLOAD_DEPTH) { Ok(value) } else { Err(too_deep()) }
}

/// Deserializes a text with one copy.
pub(crate) fn read_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    SharedText::deserialize(deserializer).map(|SharedText(text)| text)
}

/// Deserializes the end of a call with one copy.
pub(crate) fn read_result<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Result<Arc<str>, CallError>, D::Error> {
    let result: Result<SharedText, CallError> = Deserialize::deserialize(deserializer)?;
    Ok(result.map(|SharedText(text)| text))
}

struct SharedText(Arc<str>);

impl<'de> Deserialize<'de> for SharedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BorrowedText::deserialize(deserializer).map(|BorrowedText(text)| Self(Arc::from(&*text)))
    }
}

fn too_deep() -> String {
    format!("it has more than {MAX_PAYLOAD_DEPTH} levels of arrays and objects")
}

fn check_length(text: &str) -> Result<(), String> {
    match text.len() {
        0..=MAX_PAYLOAD_BYTES => Ok(()),
        length => Err(format!(
            "it has {length} bytes of JSON text, and the maximum is {MAX_PAYLOAD_BYTES}: split it into pages"
        )),
    }
}

/// Returns whether a value has at most this many levels of arrays and objects.
fn is_within(value: &Json, levels: usize) -> bool {
    match value {
        Json::Array(items) => levels > 0 && items.iter().all(|item| is_within(item, levels - 1)),
        Json::Object(fields) => levels > 0 && fields.values().all(|item| is_within(item, levels - 1)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{MAX_PAYLOAD_BYTES, MAX_PAYLOAD_DEPTH, decode, encode};

    fn nested(levels: usize) -> Json {
        (0..levels).fold(json!(1), |inner, _| json!([inner]))
    }

    #[test]
    fn a_value_returns_as_it_was_sent() {
        for value in [json!(null), json!({"b": [1, -2, 2.5, 1e300, u64::MAX], "a": "ä\n"}), json!(1.0)] {
            assert_eq!(decode(&encode(&value).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn a_value_at_a_bound_passes_and_one_above_it_is_refused_by_both_ends() {
        for (fits, exceeds, bound) in [
            (nested(MAX_PAYLOAD_DEPTH), nested(MAX_PAYLOAD_DEPTH + 1), "64 levels"),
            (json!("x".repeat(MAX_PAYLOAD_BYTES - 2)), json!("x".repeat(MAX_PAYLOAD_BYTES - 1)), "262145"),
        ] {
            assert!(decode(&encode(&fits).unwrap()).is_ok());
            let (sent, received) = (encode(&exceeds).unwrap_err(), decode(&exceeds.to_string()).unwrap_err());
            assert!(sent.contains(bound) && received.contains(bound), "{sent}; {received}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        assert!(decode("{").unwrap_err().contains("not JSON"));
        assert!(decode(&"[".repeat(100_000)).is_err());
    }
}
