use std::io::{Error, Result, Write};

use pubsub_api::{Event, Value};

use super::summed::Summed;
use super::{MOST_BYTES, SavedState};

/// The first bytes of the file, which identify its format.
pub(super) const MAGIC: &[u8; 8] = b"skimtab\n";

/// Rises with every change of the format that an older program would misread. Since 2, a row has a time, and the links
/// are named.
pub(super) const VERSION: u32 = 2;

/// The oldest version that is read. Its rows have no time: all of them are older than new events.
pub(super) const OLDEST_VERSION: u32 = 1;

/// The first byte of each record. Numbers are little-endian; a text follows its length of 32 bits.
pub(super) mod tag {
    /// A text.
    pub(in crate::saved) const SUBSCRIPTION: u8 = b'S';
    /// Publisher, epoch, sequence, topic.
    pub(in crate::saved) const POSITION: u8 = b'P';
    /// Publisher, endpoint.
    pub(in crate::saved) const LINK: u8 = b'L';
    /// An event, in files of version 1.
    pub(in crate::saved) const ROW: u8 = b'R';
    /// A time, in microseconds since 1970 by the clock of this host, and an event.
    pub(in crate::saved) const DATED_ROW: u8 = b'D';
    /// Two texts: table and key.
    pub(in crate::saved) const UNHANDLED: u8 = b'U';
    /// No content: only the checksum of everything before it follows, 32 bits.
    pub(in crate::saved) const END: u8 = b'E';

    /// The type of an event's value.
    pub(in crate::saved) const NIL: u8 = 0;
    pub(in crate::saved) const TEXT: u8 = 1;
    pub(in crate::saved) const OTHER: u8 = 2;
}

/// A record, assembled before it is written.
#[derive(Default)]
struct Record(Vec<u8>);

impl SavedState {
    /// Writes the state, record by record, and stops when it exceeds the maximum size that can be read.
    pub(super) fn encode(&self, out: impl Write) -> Result<()> {
        let mut out = Summed::new(out);
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        let mut record = Record::default();
        for subscription in &self.subscriptions {
            record.begin(tag::SUBSCRIPTION).text(subscription).write(&mut out)?;
        }
        for saved in &self.positions {
            let (at, topic) = (saved.position, saved.topic.as_str());
            let record = record.begin(tag::POSITION).number(saved.publisher);
            record.number(at.epoch).number(at.sequence).text(topic).write(&mut out)?;
        }
        for link in &self.links {
            record.begin(tag::LINK).number(link.publisher).text(&link.endpoint).write(&mut out)?;
        }
        for row in &self.rows {
            let micros = u64::try_from(row.at.as_micros()).unwrap_or(u64::MAX);
            record.begin(tag::DATED_ROW).number(micros).event(&row.event).write(&mut out)?;
            if out.bytes() > MOST_BYTES {
                return Err(Error::other(format!("the saved table would exceed {MOST_BYTES} bytes")));
            }
        }
        for (table, key) in &self.unhandled {
            record.begin(tag::UNHANDLED).text(table).text(key).write(&mut out)?;
        }
        out.write_all(&[tag::END])?;
        let checksum = out.checksum();
        out.write_all(&checksum.to_le_bytes())?;
        out.flush()
    }
}

impl Record {
    fn begin(&mut self, tag: u8) -> &mut Self {
        self.0.clear();
        self.byte(tag)
    }

    fn write(&self, out: &mut impl Write) -> Result<()> {
        out.write_all(&self.0)
    }

    fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        // Nothing that was received comes near 4 GiB.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn text_or_none(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.byte(1).text(text),
            None => self.byte(0),
        }
    }

    fn event(&mut self, event: &Event) -> &mut Self {
        self.text_or_none(event.table.as_deref()).text_or_none(event.key.as_deref());
        self.text(event.action.as_str()).text(event.topic.as_str());
        match &event.value {
            Value::Nil => self.byte(tag::NIL),
            Value::Text(text) => self.byte(tag::TEXT).text(text),
            Value::Other(bytes) => self.byte(tag::OTHER).bytes(bytes),
        };
        match event.stamp {
            None => self.byte(0),
            Some(stamp) => {
                let parts = [stamp.publisher, stamp.epoch, stamp.sequence, stamp.time_us];
                parts.into_iter().fold(self.byte(1), Self::number)
            }
        };
        match event.version {
            None => self.byte(0),
            Some(version) => self.byte(1).number(version),
        }
    }
}
