use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use delivery::subscriber::DeliveryMode;
use mcap::records::MessageHeader;
use mcap::write::NoSeek;
use mcap::{McapError, WriteOptions, Writer};
use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, Error, ErrorKind, Notice, Result};

use crate::channel::{CHANNELS, Channel};
use crate::chunk_file::ChunkFile;
use crate::recording::PROFILE;

/// Writes a recording.
///
/// Entries wait in memory until they are a chunk of 1 MiB, or until [`flush`](Self::flush), which the caller makes once a second.
/// Writing blocks. After an error the file is readable up to the chunk before, and the recorder refuses more.
///
/// # Bounds
/// A chunk has 1 MiB and an event; the index, which is in memory until the end, [`MAX_CHUNKS`] chunks.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    writer: Option<ChunkWriter>,
    /// The bytes of entries in the current chunk.
    waiting: u64,
    written: u64,
    chunks: usize,
    sequence: u32,
}

struct ChunkWriter(Writer<NoSeek<ChunkFile>>);

impl std::fmt::Debug for ChunkWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChunkWriter")
    }
}

/// The largest number of chunks of a recording: at one a second more than a day. The index takes some hundred bytes for each.
pub const MAX_CHUNKS: usize = 100_000;

/// A chunk of this size is written.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// What the format adds to each entry: its head, and its place in the index of the chunk.
const ENTRY_OVERHEAD: u64 = 9 + 22 + 16;

impl Recorder {
    /// Makes the file, with mode 0600, and writes its head.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the file exists already, or cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = opened.map_err(|error| match error.kind() {
            IoErrorKind::AlreadyExists => Error::new(
                ErrorKind::Unavailable,
                format!("{} exists already: name another file, or remove it", path.display()),
            ),
            _ => Error::new(ErrorKind::Unavailable, format!("cannot make {}", path.display()))
                .with_source(error),
        })?;
        let mut recorder =
            Self { path: path.to_path_buf(), writer: None, waiting: 0, written: 0, chunks: 0, sequence: 0 };
        let writer = head(file).map_err(|error| recorder.failed(error))?;
        recorder.writer = Some(ChunkWriter(writer));
        Ok(recorder)
    }

    /// Records an event that arrived at this time.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the file cannot be written, [`ErrorKind::Closed`] after such an error.
    pub fn record_event(&mut self, at_ns: u64, mode: DeliveryMode, envelope: &Envelope) -> Result<()> {
        let stamp =
            EventRef::read(envelope.topic.as_bytes(), &envelope.payload).ok().and_then(|event| event.stamp);
        let published = stamp.map_or(at_ns, |stamp| stamp.time_us.saturating_mul(1000));
        self.record(Channel::of(mode), at_ns, published, &envelope.payload)
    }

    /// Records a notice that arrived at this time.
    ///
    /// # Errors
    /// As [`record_event`](Self::record_event).
    pub fn record_notice(&mut self, at_ns: u64, notice: &Notice) -> Result<()> {
        let text = serde_json::to_vec(notice)
            .map_err(|error| Error::new(ErrorKind::Internal, "a notice is not JSON").with_source(error))?;
        self.record(Channel::Notices, at_ns, at_ns, &text)
    }

    fn record(&mut self, channel: Channel, at_ns: u64, published_ns: u64, data: &[u8]) -> Result<()> {
        let position = CHANNELS.iter().position(|one| *one == channel).unwrap_or_default();
        let header = MessageHeader {
            channel_id: number_of(position),
            sequence: self.sequence,
            log_time: at_ns,
            publish_time: published_ns,
        };
        let written = self.writer()?.0.write_to_known_channel(&header, data);
        written.map_err(|error| self.failed(error))?;
        self.sequence = self.sequence.wrapping_add(1);
        self.waiting += ENTRY_OVERHEAD + u64::try_from(data.len()).unwrap_or(u64::MAX);
        if self.waiting >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes the entries that wait, as a chunk.
    ///
    /// # Errors
    /// As [`record_event`](Self::record_event).
    pub fn flush(&mut self) -> Result<()> {
        if self.waiting == 0 {
            return Ok(());
        }
        let flushed = self.writer()?.0.flush();
        flushed.map_err(|error| self.failed(error))?;
        self.written += std::mem::take(&mut self.waiting);
        self.chunks += 1;
        Ok(())
    }

    /// The size of the file with the entries that wait, in bytes, without its index.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.written + self.waiting
    }

    /// Whether the recording has [`MAX_CHUNKS`] chunks, and should end.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.chunks >= MAX_CHUNKS
    }

    /// Writes the entries that wait and the index.
    ///
    /// # Errors
    /// As [`record_event`](Self::record_event). Without its index the file is readable nonetheless.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        let ChunkWriter(mut writer) = self.writer.take().ok_or_else(|| Error::closed("recorder"))?;
        let finished = writer.finish().and_then(|_| Ok(writer.into_inner().flush()?));
        finished.map_err(|error| self.failed(error))
    }

    fn writer(&mut self) -> Result<&mut ChunkWriter> {
        self.writer.as_mut().ok_or_else(|| Error::closed("recorder"))
    }

    fn failed(&mut self, error: McapError) -> Error {
        self.writer = None;
        let text = format!("cannot write {}: it ends with what was written before", self.path.display());
        let failed = Error::new(ErrorKind::Unavailable, text);
        match error {
            McapError::Io(error) => failed.with_source(error),
            error => failed.with_source(error),
        }
    }
}

fn number_of(position: usize) -> u16 {
    u16::try_from(position + 1).unwrap_or(u16::MAX)
}

/// Writes the header and the channels.
fn head(file: File) -> Result<Writer<NoSeek<ChunkFile>>, McapError> {
    let options = WriteOptions::new()
        .compression(None)
        .chunk_size(None)
        .disable_seeking(true)
        .profile(PROFILE)
        .library(concat!("skimmer ", env!("CARGO_PKG_VERSION")));
    let mut writer = options.create(NoSeek::new(ChunkFile::new(file)))?;
    for (position, channel) in CHANNELS.into_iter().enumerate() {
        writer.add_channel_with_id(
            number_of(position),
            0,
            channel.name(),
            channel.encoding(),
            &BTreeMap::new(),
        )?;
    }
    writer.flush()?;
    Ok(writer)
}
