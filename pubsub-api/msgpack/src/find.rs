use crate::{Head, Reader};

/// Returns the bytes of the value under `key` in a packed map: exactly one msgpack value. `None` if the key is absent,
/// or `payload` is not a map.
///
/// Use it on a map that was read before: a value that follows the found one is not checked.
///
/// ```
/// use msgpack::find;
///
/// assert_eq!(find(b"\x82\xa1a\x01\xa1b\x93\x01\x02\x03", b"b"), Some(&b"\x93\x01\x02\x03"[..]));
/// assert_eq!(find(b"\x81\xa1a\x01", b"b"), None);
/// ```
///
/// Only keys that are text are compared. If a key comes twice, the first value is returned.
#[must_use]
pub fn find<'a>(payload: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut reader = Reader::new(payload);
    let Ok(Head::Map(pairs)) = reader.head() else { return None };
    for _ in 0..pairs {
        let Ok(Head::Text(found)) = reader.head() else { return None };
        let value = reader.skip().ok()?;
        if found == key {
            return Some(value);
        }
    }
    None
}

/// Returns whether the bytes are exactly one value, nested at most [`MAX_DEPTH`](crate::MAX_DEPTH) deep.
///
/// Text is not checked for UTF-8 here; [`Reader::skip`] does that.
///
/// ```
/// use msgpack::is_one_value;
///
/// assert!(is_one_value(b"\x93\x01\x02\x03"));
/// assert!(!is_one_value(b"\x93\x01\x02"), "an item is missing");
/// assert!(!is_one_value(b"\x01\x02"), "two values");
/// ```
#[must_use]
pub fn is_one_value(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    reader.pass().is_ok() && reader.is_at_end()
}
