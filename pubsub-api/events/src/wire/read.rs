use bytes::Bytes;
use msgpack::{Head, Reader, utf8};

use super::stamp::read_stamp;
use super::{MAX_RECEIVED_BYTES, SealedRef, WireError};
use crate::{Action, Event, SEND_ALL, Stamp, Topic, Value};

/// A checked event whose parts are borrowed from the payload.
///
/// Nothing is copied: the texts and the value are parts of the payload. The value is checked, but not decoded.
///
/// ```
/// use events::wire::{EventRef, find};
///
/// let payload = b"\x85\xa5table\xa5lport\xa3key\xa2p1\xa6action\xa3set\xa5value\x93\x01\x02\x03\xa4more\xc3";
/// let event = EventRef::read(b"D", payload)?;
/// assert_eq!((event.table, event.key, event.action), (Some("lport"), Some("p1"), "set"));
/// assert_eq!(event.value, b"\x93\x01\x02\x03");
/// assert_eq!(event.topic, "D", "an absent topic counts as `D`");
/// assert!(!event.genuine && event.lacks_only_topic, "a reader of Dragonflow requires the topic");
/// assert_eq!(find(payload, b"more"), Some(&b"\xc3"[..]), "unknown keys stay in the payload");
/// # Ok::<(), events::wire::WireError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRef<'a> {
    /// The table of the row; `None` if it is nil, as in events that concern no row.
    pub table: Option<&'a str>,
    /// The key of the row; `None` if it is nil.
    pub key: Option<&'a str>,
    /// The action on the row.
    pub action: &'a str,
    /// The value's bytes: exactly one checked msgpack value.
    pub value: &'a [u8],
    /// The topic, equal in the frame and in the map.
    pub topic: &'a str,
    /// The stamp, if the publisher set one.
    pub stamp: Option<Stamp>,
    /// The version of the object, if its author set one; `None` makes no statement.
    pub version: Option<u64>,
    /// The encrypted value, if the publisher sealed the event; `value` is nil then, and means nothing.
    pub sealed: Option<SealedRef<'a>>,
    /// Whether a Dragonflow reader accepts these bytes unchanged: it requires all five fields, and text where Skimmer
    /// also accepts bytes. If not, [`encode`](super::encode) the event again before passing it on.
    pub genuine: bool,
    /// Whether only the key `topic` is missing for that: [`append_pairs`](super::append_pairs) adds it, and keeps the
    /// unknown keys.
    pub lacks_only_topic: bool,
}

impl<'a> EventRef<'a> {
    /// Reads and checks one map that came with the topic frame `frame`.
    ///
    /// A nil or absent map topic counts as `D`; the topic must then equal the frame's. Text may come as bytes (bin).
    /// Unknown keys are skipped.
    ///
    /// # Errors
    /// The first [`WireError`] found; no part of a refused map is used.
    #[inline]
    pub fn read(frame: &'a [u8], payload: &'a [u8]) -> Result<Self, WireError> {
        if payload.len() > MAX_RECEIVED_BYTES {
            return Err(WireError::TooBig);
        }
        let mut reader = Reader::new(payload);
        let Head::Map(pairs) = reader.head()? else { return Err(WireError::NotAMap) };
        let mut fields = Fields { all_text: true, ..Fields::default() };
        for _ in 0..pairs {
            let Head::Text(key) = reader.head()? else { return Err(WireError::KeyNotText) };
            fields.take(key, &mut reader)?;
        }
        if !reader.is_at_end() {
            return Err(WireError::Trailing);
        }
        fields.finish(frame)
    }

    /// Copies the parts into an event.
    #[must_use]
    pub fn to_event(&self) -> Event {
        Event {
            table: self.table.map(str::to_owned),
            key: self.key.map(str::to_owned),
            action: Action::from(self.action),
            value: self.to_value(),
            topic: Topic::new(self.topic.to_owned()).unwrap_or(SEND_ALL),
            stamp: self.stamp,
            version: self.version,
        }
    }

    fn to_value(&self) -> Value {
        match Reader::new(self.value).head() {
            Ok(Head::Nil) => Value::Nil,
            Ok(Head::Text(text)) => match str::from_utf8(text) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => Value::Other(Bytes::copy_from_slice(self.value)),
            },
            _ => Value::Other(Bytes::copy_from_slice(self.value)),
        }
    }
}

/// The fields read so far; an outer `None` means not yet read.
#[derive(Default)]
struct Fields<'a> {
    table: Option<Option<&'a str>>,
    key: Option<Option<&'a str>>,
    action: Option<&'a str>,
    value: Option<&'a [u8]>,
    topic: Option<Option<&'a str>>,
    stamp: Option<Stamp>,
    version: Option<u64>,
    sealed: Option<SealedRef<'a>>,
    /// Unknown keys, stored only to detect duplicates: at most 8 bytes for each byte of payload, and nothing for
    /// ordinary events.
    others: Vec<&'a str>,
    /// Whether no text was encoded as bytes.
    all_text: bool,
}

impl<'a> Fields<'a> {
    #[inline]
    fn take(&mut self, key: &'a [u8], reader: &mut Reader<'a>) -> Result<(), WireError> {
        match key {
            b"table" => {
                let text = self.text_or_nil(reader)?;
                once(&mut self.table, text)
            }
            b"key" => {
                let text = self.text_or_nil(reader)?;
                once(&mut self.key, text)
            }
            b"action" => {
                let text = self.text_or_nil(reader)?.ok_or(WireError::WrongType)?;
                once(&mut self.action, text)
            }
            b"value" => once(&mut self.value, reader.skip()?),
            b"topic" => {
                let text = self.text_or_nil(reader)?;
                once(&mut self.topic, text)
            }
            b"stamp" => once(&mut self.stamp, read_stamp(reader)?),
            b"version" => match reader.head()? {
                Head::Unsigned(version) => once(&mut self.version, version),
                _ => Err(WireError::WrongType),
            },
            b"sealed" => once(&mut self.sealed, SealedRef::read(reader)?),
            other => {
                self.others.push(utf8(other)?);
                reader.skip()?;
                Ok(())
            }
        }
    }

    #[inline(always)]
    fn text_or_nil(&mut self, reader: &mut Reader<'a>) -> Result<Option<&'a str>, WireError> {
        match reader.head()? {
            Head::Text(text) => Ok(Some(utf8(text)?)),
            Head::Nil => Ok(None),
            Head::Binary(bytes) => {
                self.all_text = false;
                Ok(Some(utf8(bytes)?))
            }
            _ => Err(WireError::WrongType),
        }
    }

    #[inline]
    fn finish(mut self, frame: &'a [u8]) -> Result<EventRef<'a>, WireError> {
        if !self.others.is_empty() {
            self.others.sort_unstable();
            if !self.others.is_sorted_by(|one, next| one < next) {
                return Err(WireError::DuplicateKey);
            }
        }
        let topic = self.topic.flatten().unwrap_or(SEND_ALL_TEXT);
        if topic.is_empty() || topic.len() > Topic::longest(topic.as_bytes()) || topic.contains('\0') {
            return Err(WireError::BadTopic);
        }
        if topic.as_bytes() != frame {
            return Err(WireError::TopicMismatch);
        }
        Ok(EventRef {
            table: self.table.ok_or(WireError::MissingField)?,
            key: self.key.ok_or(WireError::MissingField)?,
            action: self.action.ok_or(WireError::MissingField)?,
            value: self.value.ok_or(WireError::MissingField)?,
            topic,
            stamp: self.stamp,
            version: self.version,
            sealed: self.sealed,
            genuine: self.all_text && self.topic.is_some(),
            lacks_only_topic: self.all_text && self.topic.is_none(),
        })
    }
}

const SEND_ALL_TEXT: &str = "D";

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), WireError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(WireError::DuplicateKey),
    }
}
