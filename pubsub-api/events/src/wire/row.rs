use msgpack::{Head, Reader, is_one_value};

use super::plain::{text as plain_text, text_or_nil};
use super::stamp::{read_stamp, stamp_of_full_width};
use crate::Stamp;

/// The row of an event, read from a map that was checked before: nothing is checked again.
///
/// For a caller that reads events which [`EventRef::read`](super::EventRef::read) has accepted, and needs them cheaply:
/// texts are bytes, and instead of the value there is only a flag.
///
/// ```
/// use events::wire::RowRef;
/// use events::{Action, Event, SEND_ALL, wire};
///
/// let event = Event::new("lport", "port-1", Action::Set, "up", SEND_ALL);
/// let payload = wire::encode(&event)?;
/// let row = RowRef::find(&payload).expect("our own bytes");
/// assert_eq!((row.table, row.key, row.has_value), (Some(&b"lport"[..]), Some(&b"port-1"[..]), true));
/// # Ok::<(), events::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowRef<'a> {
    /// The table of the row.
    pub table: Option<&'a [u8]>,
    /// The key of the row.
    pub key: Option<&'a [u8]>,
    /// The action on the row.
    pub action: &'a [u8],
    /// Whether the value is not nil, or is sealed.
    pub has_value: bool,
    /// The stamp, if the publisher set one.
    pub stamp: Option<Stamp>,
}

impl<'a> RowRef<'a> {
    /// Finds the row in a packed map; `None` if the bytes are not such a map.
    ///
    /// A wrong type in one of the known keys is also `None`. The value and unknown keys are skipped.
    #[must_use]
    pub fn find(payload: &'a [u8]) -> Option<Self> {
        Self::find_plain(payload).or_else(|| Self::find_any(payload))
    }

    /// Finds it in the form in which a publisher stamps the plainest event: nearly every event has it.
    #[inline]
    fn find_plain(payload: &'a [u8]) -> Option<Self> {
        let (pairs, rest) = payload.split_first()?;
        let (table, rest) = text_or_nil(rest.strip_prefix(b"\xa5table")?)?;
        let (key, rest) = text_or_nil(rest.strip_prefix(b"\xa3key")?)?;
        let (action, rest) = plain_text(rest.strip_prefix(b"\xa6action")?)?;
        let (value, rest) = text_or_nil(rest.strip_prefix(b"\xa5value")?)?;
        let (_, rest) = plain_text(rest.strip_prefix(b"\xa5topic")?)?;
        let (stamp, rest) = stamp_of_full_width(rest.strip_prefix(b"\xa5stamp")?)?;
        let is_sealed = match (pairs, rest) {
            (0x86, []) => false,
            (0x87, sealed) => is_one_value(sealed.strip_prefix(b"\xa6sealed")?),
            _ => return None,
        };
        (is_sealed || rest.is_empty()).then_some(Self {
            table,
            key,
            action,
            has_value: is_sealed || value.is_some(),
            stamp: Some(stamp),
        })
    }

    fn find_any(payload: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let Ok(Head::Map(pairs)) = reader.head() else { return None };
        let mut row = Self::default();
        let mut is_sealed = false;
        for _ in 0..pairs {
            let Ok(Head::Text(key)) = reader.head() else { return None };
            match key {
                b"table" => row.table = text(&mut reader)?,
                b"key" => row.key = text(&mut reader)?,
                b"action" => row.action = text(&mut reader)??,
                b"value" => row.has_value = reader.pass().ok()? != Head::Nil,
                b"stamp" => row.stamp = Some(read_stamp(&mut reader).ok()?),
                b"sealed" => {
                    reader.pass().ok()?;
                    is_sealed = true;
                }
                _ => drop(reader.pass().ok()?),
            }
        }
        row.has_value |= is_sealed;
        Some(row)
    }
}

/// Reads a text or nil.
fn text<'a>(reader: &mut Reader<'a>) -> Option<Option<&'a [u8]>> {
    match reader.head().ok()? {
        Head::Text(text) | Head::Binary(text) => Some(Some(text)),
        Head::Nil => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RowRef;
    use crate::wire::{EventRef, append_pairs, encode};
    use crate::{Action, Event, SEND_ALL, Stamp, Value};

    #[test]
    fn it_finds_what_reading_finds() {
        let event = Event::new("lport", "k", Action::Set, "v", SEND_ALL);
        let nested = Value::Other(bytes::Bytes::from_static(b"\x82\xa1a\x93\x01\xc0\xa1x\xa1b\x90"));
        let stamp = Some(Stamp { publisher: u64::MAX, epoch: 2, sequence: 3, time_us: 4 });
        for event in [
            event.clone(),
            Event { table: None, key: None, ..event.clone() },
            Event { value: Value::Nil, action: Action::Delete, ..event.clone() },
            Event { value: nested, version: Some(9), ..event.clone() },
            Event { stamp, ..event.clone() },
            Event { stamp, table: None, key: None, value: Value::Nil, ..event.clone() },
            Event { stamp, version: Some(9), ..event.clone() },
            Event { stamp, value: Value::Text("x".repeat(70_000)), ..event },
        ] {
            let payload = encode(&event).unwrap();
            let read = EventRef::read(b"D", &payload).unwrap();
            let wanted = RowRef {
                table: read.table.map(str::as_bytes),
                key: read.key.map(str::as_bytes),
                action: read.action.as_bytes(),
                has_value: read.value != [0xc0],
                stamp: read.stamp,
            };
            assert_eq!(RowRef::find(&payload), Some(wanted), "{event:?}");
            assert_eq!(RowRef::find_any(&payload), Some(wanted), "{event:?}");
            for length in 0..payload.len() {
                assert_eq!(RowRef::find(&payload[..length]), None, "cut at {length}");
            }
        }
    }

    #[test]
    fn a_sealed_value_is_a_value_in_either_form() {
        let stamp = Some(Stamp { publisher: 1, epoch: 2, sequence: 3, time_us: 4 });
        let event = Event::new("lport", "k", Action::Delete, Value::Nil, SEND_ALL);
        for event in
            [Event { stamp, ..event.clone() }, Event { stamp, version: Some(9), ..event.clone() }, event]
        {
            let sealed = [b"\xa6sealed\x93\xa22a\xc4\x18", &[0; 24][..], b"\xc4\x03abc"].concat();
            let mut payload = Vec::new();
            append_pairs(&encode(&event).unwrap(), 1, &sealed, &mut payload).unwrap();
            let read = EventRef::read(b"D", &payload).unwrap();
            assert_eq!(read.sealed.map(|sealed| (sealed.key_id, sealed.text)), Some(("2a", &b"abc"[..])));
            let row = RowRef::find(&payload).unwrap();
            assert_eq!((row.key, row.stamp, row.has_value), (Some(&b"k"[..]), event.stamp, true));
            assert_eq!(RowRef::find_any(&payload), Some(row));
            for length in 0..payload.len() {
                assert_eq!(RowRef::find(&payload[..length]), None, "cut at {length}");
            }
        }
    }
}
