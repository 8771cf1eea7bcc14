use std::io::{ErrorKind as IoErrorKind, Read, Result as IoResult};

use crc32fast::Hasher;
use mcap::MAGIC;
use pubsub_api::{Error, ErrorKind, Result};

/// The largest record of a container, in bytes; a longer one is refused before it is read.
///
/// A chunk has 1 MiB and an event; tools that write recordings again make chunks of up to 4 MiB.
pub(crate) const MAX_RECORD_BYTES: u64 = 8 * 1024 * 1024;

/// The kind of a record and its length.
const HEAD_BYTES: usize = 1 + 8;

/// Reads the records of a container one after the other, and knows where it is.
#[derive(Debug)]
pub(crate) struct Container<R> {
    source: R,
    at: u64,
    /// Of everything before `at`.
    checksum: Hasher,
}

/// What comes next in a container.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A record of this kind; `at` is where it begins, and `checksum` that of everything before.
    Record { kind: u8, body: Vec<u8>, at: u64, checksum: u32 },
    /// The source ends, and no record is cut off.
    End,
    /// The source ends within the record that begins here.
    Torn { at: u64 },
}

impl<R: Read> Container<R> {
    /// Reads the magic bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the source does not begin with them.
    pub(crate) fn begin(mut source: R) -> Result<Self> {
        let begin = read_up_to(&mut source, MAGIC.len()).map_err(|error| unreadable(0, error))?;
        if begin != MAGIC {
            return Err(Error::new(
                ErrorKind::Invalid,
                "it is not a recording: it does not begin as an MCAP file does",
            ));
        }
        let mut checksum = Hasher::new();
        checksum.update(&begin);
        Ok(Self { source, at: length(&begin), checksum })
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a record above [`MAX_RECORD_BYTES`], [`ErrorKind::Unavailable`] if reading fails.
    pub(crate) fn next(&mut self) -> Result<Next> {
        let at = self.at;
        let read = |source: &mut R, bytes| read_up_to(source, bytes).map_err(|error| unreadable(at, error));
        let head = read(&mut self.source, HEAD_BYTES)?;
        if head.is_empty() {
            return Ok(Next::End);
        }
        let Some((kind, announced)) = kind_and_length(&head) else { return Ok(Next::Torn { at }) };
        let Some(bytes) = usize::try_from(announced).ok().filter(|_| announced <= MAX_RECORD_BYTES) else {
            let text = format!(
                "the record at byte {at} announces {announced} bytes; at most {MAX_RECORD_BYTES} are accepted"
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        };
        let body = read(&mut self.source, bytes)?;
        if body.len() < bytes {
            return Ok(Next::Torn { at });
        }
        self.at = at + length(&head) + length(&body);
        let checksum = self.checksum.clone().finalize();
        self.checksum.update(&head);
        self.checksum.update(&body);
        Ok(Next::Record { kind, body, at, checksum })
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Reads `bytes` bytes, or fewer at the end. It grows with what is there, not with what is announced.
fn read_up_to(source: &mut impl Read, bytes: usize) -> IoResult<Vec<u8>> {
    let mut read = Vec::new();
    source.take(u64::try_from(bytes).unwrap_or(u64::MAX)).read_to_end(&mut read)?;
    Ok(read)
}

fn unreadable(at: u64, error: std::io::Error) -> Error {
    let kind =
        if error.kind() == IoErrorKind::IsADirectory { ErrorKind::Invalid } else { ErrorKind::Unavailable };
    Error::new(kind, format!("cannot read at byte {at}")).with_source(error)
}

/// The kind and the announced length at the beginning of a record.
pub(crate) fn kind_and_length(head: &[u8]) -> Option<(u8, u64)> {
    let (kind, rest) = head.split_first()?;
    let (length, _) = rest.split_first_chunk()?;
    Some((*kind, u64::from_le_bytes(*length)))
}

/// The records in a chunk: kind and body of each. `None` instead of the rest if it is no whole record.
pub(crate) fn records_of(mut chunk: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    std::iter::from_fn(move || {
        if chunk.is_empty() {
            return None;
        }
        let whole = kind_and_length(chunk).and_then(|(kind, announced)| {
            let rest = chunk.get(HEAD_BYTES..)?;
            let (body, rest) = rest.split_at_checked(usize::try_from(announced).ok()?)?;
            Some((kind, body, rest))
        });
        chunk = whole.map_or(&[], |(_, _, rest)| rest);
        Some(whole.map(|(kind, body, _)| (kind, body)))
    })
}
