use super::skip::{Head, Reader};

/// Returns the bytes of the value under `key` in a packed map: exactly one msgpack value. `None` if the key is absent,
/// or `payload` is not a map.
///
/// Use it for keys that [`EventRef`](super::EventRef) skips: read the event first, which checks the whole map.
///
/// ```
/// use pubsub_api::wire;
///
/// assert_eq!(wire::find(b"\x82\xa1a\x01\xa1b\x93\x01\x02\x03", b"b"), Some(&b"\x93\x01\x02\x03"[..]));
/// assert_eq!(wire::find(b"\x81\xa1a\x01", b"b"), None);
/// ```
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
