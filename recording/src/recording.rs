use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use bytes::Bytes;
use mcap::parse_record;
use mcap::records::{ChunkHeader, Record, op};
use pubsub_api::wire::{EventRef, find};
use pubsub_api::{Envelope, Error, ErrorKind, Result, SEND_ALL, Topic};

use crate::channel::Channel;
use crate::container::{Container, Next, records_of};
use crate::{RecordedEntry, RecordedItem};

/// The profile of the header of a recording.
pub(crate) const PROFILE: &str = "skimmer-recording-1";

/// [`PROFILE`] without the version.
const PROFILE_NAME: &str = "skimmer-recording-";

/// Reads a recording, from its beginning: an iterator of its entries.
///
/// One chunk at a time is in memory. A recording that ends early, since its recorder was killed or still writes, yields what it
/// has; [`is_complete`](Self::is_complete) and [`torn_at`](Self::torn_at) return how it ended. After an error there are no more
/// entries.
///
/// # Errors
/// [`ErrorKind::Invalid`], with the byte, for a file that is no recording or one of a later version, a wrong checksum, an event
/// that is none, missing entries, and a record above 8 MiB, which is not read; [`ErrorKind::Unavailable`] if the file cannot be read.
#[derive(Debug)]
pub struct Recording<R> {
    container: Container<R>,
    channels: HashMap<u16, Option<Channel>>,
    entries: VecDeque<RecordedEntry>,
    /// The number of the next entry.
    next_number: u32,
    ending: Option<Ending>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Complete,
    Torn(Option<u64>),
    Failed,
}

impl Recording<BufReader<File>> {
    /// Opens a file and reads its head.
    ///
    /// # Errors
    /// As of the iterator.
    pub fn open(path: &Path) -> Result<Self> {
        let context = |error: Error| error.context(path.display());
        let file = File::open(path).map_err(|error| {
            context(Error::new(ErrorKind::Unavailable, "cannot open the recording").with_source(error))
        })?;
        Self::read(BufReader::new(file)).map_err(context)
    }
}

impl<R: Read> Recording<R> {
    /// Reads the head of a recording.
    ///
    /// # Errors
    /// As of the iterator.
    pub fn read(source: R) -> Result<Self> {
        let mut container = Container::begin(source)?;
        match container.next()? {
            Next::Record { kind: op::HEADER, body, at, .. } => check_header(&body, at)?,
            Next::Record { .. } => {
                return Err(Error::new(ErrorKind::Invalid, "it is not a recording: it has no header"));
            }
            Next::End | Next::Torn { .. } => {
                return Err(Error::new(ErrorKind::Invalid, "it is not a recording: it ends in its header"));
            }
        }
        Ok(Self {
            container,
            channels: HashMap::new(),
            entries: VecDeque::new(),
            next_number: 0,
            ending: None,
        })
    }

    /// Whether everything was read, to the index.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ending == Some(Ending::Complete)
    }

    /// Where the record begins that the end of the file cuts off, if it does.
    #[must_use]
    pub fn torn_at(&self) -> Option<u64> {
        match self.ending {
            Some(Ending::Torn(at)) => at,
            _ => None,
        }
    }

    /// Reads records until there is an entry, or the end.
    fn fill(&mut self) -> Result<()> {
        while self.entries.is_empty() && self.ending.is_none() {
            match self.container.next()? {
                Next::Record { kind: op::DATA_END, body, at, checksum } => {
                    check_data(&body, checksum, at)?;
                    self.ending = Some(Ending::Complete);
                }
                Next::Record { kind, body, at, .. } => self.take(kind, Bytes::from(body), at)?,
                // The index is missing.
                Next::End => self.ending = Some(Ending::Torn(None)),
                Next::Torn { at } => self.ending = Some(Ending::Torn(Some(at))),
            }
        }
        Ok(())
    }

    /// Records of other kinds, such as the indexes, say nothing about entries. (Some are not even safe to parse.)
    fn take(&mut self, kind: u8, body: Bytes, at: u64) -> Result<()> {
        match kind {
            op::CHUNK => self.take_chunk(&body, at),
            op::CHANNEL | op::MESSAGE => self.take_one(kind, &body, at),
            // Zeros: a hole in the file.
            0 => Err(invalid(at, "has no kind")),
            _ => Ok(()),
        }
    }

    fn take_chunk(&mut self, body: &Bytes, at: u64) -> Result<()> {
        let Ok(Record::Chunk { header, data }) = parse_record(op::CHUNK, body) else {
            return Err(invalid(at, "is no chunk"));
        };
        check_chunk(&header, &data, at)?;
        let records = body.slice_ref(&data);
        for record in records_of(&records) {
            let Some((kind, one)) = record else {
                return Err(invalid(at, "has a chunk whose last record is cut off"));
            };
            if matches!(kind, op::CHANNEL | op::MESSAGE) {
                self.take_one(kind, &records.slice_ref(one), at)?;
            }
        }
        Ok(())
    }

    fn take_one(&mut self, kind: u8, body: &Bytes, at: u64) -> Result<()> {
        match parse_record(kind, body) {
            Ok(Record::Channel(channel)) => {
                self.channels.insert(channel.id, Channel::named(&channel.topic));
                Ok(())
            }
            Ok(Record::Message { header, data }) => {
                if header.sequence != self.next_number {
                    return Err(invalid(
                        at,
                        "does not follow the one before: entries between them are missing",
                    ));
                }
                self.next_number = header.sequence.wrapping_add(1);
                let Some(channel) = self.channels.get(&header.channel_id) else {
                    return Err(invalid(at, "has an entry of a channel that is not declared"));
                };
                // Another tool has added channels.
                let Some(channel) = *channel else { return Ok(()) };
                let entry = entry(channel, &body.slice_ref(&data)).map_err(|why| invalid(at, &why))?;
                self.entries.push_back(RecordedEntry { at_ns: header.log_time, entry });
                Ok(())
            }
            _ => Err(invalid(at, "cannot be parsed")),
        }
    }
}

impl<R: Read> Iterator for Recording<R> {
    type Item = Result<RecordedEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.fill() {
            Ok(()) => self.entries.pop_front().map(Ok),
            Err(error) => {
                self.ending = Some(Ending::Failed);
                // What precedes the error in its chunk is not used.
                self.entries.clear();
                Some(Err(error))
            }
        }
    }
}

fn invalid(at: u64, why: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("the recording is damaged: the record at byte {at} {why}"))
}

fn check_header(body: &[u8], at: u64) -> Result<()> {
    let Ok(Record::Header(header)) = parse_record(op::HEADER, body) else {
        return Err(invalid(at, "is no header"));
    };
    if header.profile == PROFILE {
        return Ok(());
    }
    let text = if header.profile.starts_with(PROFILE_NAME) {
        format!("the recording is of a later version: {:?}, this program reads {PROFILE:?}", header.profile)
    } else {
        format!("it is an MCAP file, and no recording of Skimmer: its profile is {:?}", header.profile)
    };
    Err(Error::new(ErrorKind::Invalid, text))
}

fn check_chunk(header: &ChunkHeader, data: &[u8], at: u64) -> Result<()> {
    if !header.compression.is_empty() {
        let text = format!(
            "the chunk at byte {at} is compressed ({}): write the recording again without compression",
            header.compression
        );
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    if crc32fast::hash(data) == header.uncompressed_crc {
        return Ok(());
    }
    Err(invalid(at, "has a wrong checksum"))
}

/// The checksum of everything before the index; 0 states none.
fn check_data(body: &[u8], checksum: u32, at: u64) -> Result<()> {
    match parse_record(op::DATA_END, body) {
        Ok(Record::DataEnd(end)) if [0, checksum].contains(&end.data_section_crc) => Ok(()),
        _ => Err(invalid(at, "is the end, and the checksum of what precedes it is wrong")),
    }
}

fn entry(channel: Channel, data: &Bytes) -> std::result::Result<RecordedItem, String> {
    let Channel::Events(mode) = channel else {
        let text = str::from_utf8(data).map_err(|_| "has a notice that is not UTF-8")?;
        return Ok(RecordedItem::Notice(text.to_owned()));
    };
    let topic = topic_of(data).ok_or("has an event without a valid topic")?;
    EventRef::read(topic.as_bytes(), data).map_err(|error| format!("has an event that is none: {error}"))?;
    Ok(RecordedItem::Event { envelope: Envelope { topic, payload: data.clone() }, mode })
}

/// The topic in the map; without one, it is `D`.
fn topic_of(payload: &[u8]) -> Option<Topic> {
    let Some(packed) = find(payload, b"topic") else { return Some(SEND_ALL) };
    let text = match msgpack::Reader::new(packed).head().ok()? {
        msgpack::Head::Nil => return Some(SEND_ALL),
        msgpack::Head::Text(text) | msgpack::Head::Binary(text) => text,
        _ => return None,
    };
    Topic::new(str::from_utf8(text).ok()?.to_owned()).ok()
}
