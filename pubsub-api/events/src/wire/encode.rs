use bytes::Bytes;

use super::MAX_EVENT_BYTES;
use crate::{Error, ErrorKind, Event, Result, Stamp, Value};

/// Packs an event as Dragonflow's packer does; `stamp` and `version` follow the five fields if they are set.
///
/// The bytes of [`Value::Other`] are copied unchecked.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the map has more than [`MAX_EVENT_BYTES`] bytes; the text has the size and the limit.
///
/// ```
/// use events::{Action, ErrorKind, Event, SEND_ALL, wire};
///
/// let event = Event::new("lport", "p1", Action::Set, "up", SEND_ALL);
/// let packed = wire::encode(&event)?;
/// assert_eq!(&packed[..], b"\x85\xa5table\xa5lport\xa3key\xa2p1\xa6action\xa3set\xa5value\xa2up\xa5topic\xa1D");
///
/// let versioned = Event { version: Some(3), ..event };
/// assert_eq!(packed.len() + 8 + 9, wire::encode(&versioned)?.len(), "the key `version`, and nine bytes");
///
/// let large = Event::new("lport", "p1", Action::Set, "x".repeat(wire::MAX_EVENT_BYTES), SEND_ALL);
/// assert_eq!(wire::encode(&large).unwrap_err().kind(), ErrorKind::Invalid);
/// # Ok::<(), events::Error>(())
/// ```
pub fn encode(event: &Event) -> Result<Bytes> {
    let mut out = Vec::with_capacity(capacity(event));
    let pairs = 5 + u8::from(event.stamp.is_some()) + u8::from(event.version.is_some());
    out.push(0x80 | pairs);
    pair(&mut out, "table", event.table.as_deref());
    pair(&mut out, "key", event.key.as_deref());
    pair(&mut out, "action", Some(event.action.as_str()));
    text(&mut out, "value");
    match &event.value {
        Value::Nil => out.push(NIL),
        Value::Text(value) => text(&mut out, value),
        Value::Other(bytes) => out.extend_from_slice(bytes),
    }
    pair(&mut out, "topic", Some(event.topic.as_str()));
    if let Some(stamp) = event.stamp {
        put_stamp(&mut out, stamp);
    }
    if let Some(version) = event.version {
        text(&mut out, "version");
        number(&mut out, version);
    }
    if out.len() > MAX_EVENT_BYTES {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("an event packs into at most {MAX_EVENT_BYTES} bytes, this one takes {}", out.len()),
        ));
    }
    Ok(Bytes::from(out))
}

const NIL: u8 = 0xc0;

fn capacity(event: &Event) -> usize {
    let value = match &event.value {
        Value::Nil => 1,
        Value::Text(value) => value.len(),
        Value::Other(bytes) => bytes.len(),
    };
    let names = event.table.as_ref().map_or(0, String::len) + event.key.as_ref().map_or(0, String::len);
    value + names + event.action.as_str().len() + event.topic.as_bytes().len() + 120
}

fn pair(out: &mut Vec<u8>, key: &str, value: Option<&str>) {
    text(out, key);
    match value {
        Some(value) => text(out, value),
        None => out.push(NIL),
    }
}

/// Writes the old raw family: up to 31 bytes in the marker, then a length of 16 or 32 bits, never 8
/// (docs/dragonflow.md#wire-format).
fn text(out: &mut Vec<u8>, text: &str) {
    let length = text.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=31), _) => out.push(0xa0 | length),
        (_, Ok(length)) => {
            out.push(0xda);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(0xdb);
            out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// Writes the full width always, so that all stamps have one length.
fn number(out: &mut Vec<u8>, number: u64) {
    out.push(0xcf);
    out.extend_from_slice(&number.to_be_bytes());
}

fn put_stamp(out: &mut Vec<u8>, stamp: Stamp) {
    text(out, "stamp");
    out.push(0x94);
    for part in [stamp.publisher, stamp.epoch, stamp.sequence, stamp.time_us] {
        number(out, part);
    }
}
