use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pubsub_api::{Action, Error, ErrorKind, Event, Result, Stamp, Topic, Value};

use super::SavedState;
use super::encode::{MAGIC, OLDEST_VERSION, VERSION, tag};
use crate::DatedEvent;
use delivery::Position;
use delivery::subscriber::{SavedLink, SavedPosition};

/// The bytes that are left to read.
struct Reader<'a>(&'a [u8]);

/// The error for bytes with a valid checksum but invalid content.
struct Nonsense;

impl SavedState {
    /// Reads the whole state. It checks the checksum over everything first.
    pub(super) fn decode(file: &[u8]) -> Result<Self> {
        let refused = |why: String| Error::new(ErrorKind::Invalid, why);
        let Some(after_magic) = file.strip_prefix(MAGIC) else {
            return Err(refused("it is not a saved table".to_owned()));
        };
        let torn = || refused("it is torn: it ends before its checksum".to_owned());
        let (version, _) = after_magic.split_first_chunk().ok_or_else(torn)?;
        let version = u32::from_le_bytes(*version);
        if !(OLDEST_VERSION..=VERSION).contains(&version) {
            let text = format!(
                "it is of version {version}, this program reads versions {OLDEST_VERSION} to {VERSION}"
            );
            return Err(refused(text));
        }
        let (summed, checksum) = file.split_last_chunk().ok_or_else(torn)?;
        if crc32fast::hash(summed) != u32::from_le_bytes(*checksum) {
            return Err(refused("its checksum is wrong: it is torn, or was changed".to_owned()));
        }
        let records = summed.get(MAGIC.len() + size_of::<u32>()..).unwrap_or_default();
        Reader(records).state().map_err(|Nonsense| refused("its content is invalid".to_owned()))
    }
}

impl<'a> Reader<'a> {
    fn state(mut self) -> Result<SavedState, Nonsense> {
        let mut state = SavedState::default();
        loop {
            match self.byte()? {
                tag::SUBSCRIPTION => state.subscriptions.push(self.text()?.to_owned()),
                tag::POSITION => state.positions.push(self.position()?),
                tag::ROW => {
                    state.rows.push(DatedEvent { at: Duration::ZERO, event: Arc::new(self.event()?) });
                }
                tag::DATED_ROW => {
                    let at = Duration::from_micros(self.number()?);
                    state.rows.push(DatedEvent { at, event: Arc::new(self.event()?) });
                }
                tag::LINK => {
                    let publisher = self.number()?;
                    state.links.push(SavedLink { endpoint: self.text()?.to_owned(), publisher });
                }
                tag::UNHANDLED => state.unhandled.push((self.text()?.to_owned(), self.text()?.to_owned())),
                tag::END if self.0.is_empty() => return Ok(state),
                _ => return Err(Nonsense),
            }
        }
    }

    fn position(&mut self) -> Result<SavedPosition, Nonsense> {
        let publisher = self.number()?;
        let position = Position { epoch: self.number()?, sequence: self.number()? };
        Ok(SavedPosition { publisher, topic: self.topic()?, position })
    }

    fn event(&mut self) -> Result<Event, Nonsense> {
        let table = self.if_any(Self::text)?.map(str::to_owned);
        let key = self.if_any(Self::text)?.map(str::to_owned);
        let action = Action::from(self.text()?);
        let topic = self.topic()?;
        let value = match self.byte()? {
            tag::NIL => Value::Nil,
            tag::TEXT => Value::Text(self.text()?.to_owned()),
            tag::OTHER => Value::Other(Bytes::copy_from_slice(self.bytes()?)),
            _ => return Err(Nonsense),
        };
        let stamp = self.if_any(Self::stamp)?;
        let version = self.if_any(Self::number)?;
        Ok(Event { table, key, action, value, topic, stamp, version })
    }

    fn stamp(&mut self) -> Result<Stamp, Nonsense> {
        let (publisher, epoch) = (self.number()?, self.number()?);
        Ok(Stamp { publisher, epoch, sequence: self.number()?, time_us: self.number()? })
    }

    fn topic(&mut self) -> Result<Topic, Nonsense> {
        Topic::new(self.text()?.to_owned()).map_err(|_| Nonsense)
    }

    fn if_any<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Nonsense>,
    ) -> Result<Option<T>, Nonsense> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Nonsense),
        }
    }

    fn text(&mut self) -> Result<&'a str, Nonsense> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Nonsense)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Nonsense> {
        let length = u32::from_le_bytes(self.array()?);
        let length = usize::try_from(length).map_err(|_| Nonsense)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Nonsense)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64, Nonsense> {
        self.array().map(u64::from_le_bytes)
    }

    fn byte(&mut self) -> Result<u8, Nonsense> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Nonsense> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Nonsense)?;
        self.0 = rest;
        Ok(*array)
    }
}
