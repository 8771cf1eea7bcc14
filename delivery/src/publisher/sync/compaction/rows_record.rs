use bytes::Bytes;
use crc32fast::Hasher;

use crate::publisher::ring::bytes_reader::BytesReader;
use crate::publisher::sync::compaction::STEP_BYTES;
use crate::publisher::sync::snapshot_cache::compacted::TopicChange;

/// Builds a record of the rows file. All numbers are little-endian:
///
/// ```text
/// length of the body (u32) | crc of the length and the body (u32) | body
/// body: epoch of its writer (u64) | first segment of the ring that is not covered (u32), 0: no statement | entries, each:
///   1: what follows is about the topic of this name: length (u16), name
///   2: it has snapshots from sequence 1 on, which was of this epoch (u64)
///   3: it has no snapshots any more
///   4: the sequence of an event of no row (u64)
///   5: an event: length (u32), payload
///   6: the base is complete
/// ```
#[derive(Debug)]
pub(super) struct RowsRecord {
    epoch: u64,
    bytes: Vec<u8>,
    topic: Bytes,
}

/// An entry of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowsEntry<'a> {
    Topic(&'a [u8]),
    Begun { since: u64 },
    Gone,
    Sequence(u64),
    Event(&'a [u8]),
    Complete,
}

/// The number of bytes before the body.
pub(super) const HEAD_BYTES: usize = 8;

const BODY_AT: usize = HEAD_BYTES + size_of::<u64>() + size_of::<u32>();

impl RowsRecord {
    /// An empty record of a publisher in this epoch.
    pub(super) fn new(epoch: u64) -> Self {
        let mut record = Self { epoch, bytes: Vec::new(), topic: Bytes::new() };
        record.clear();
        record
    }

    /// Removes what is in it.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.resize(BODY_AT, 0);
        self.topic = Bytes::new();
    }

    /// Whether it is large enough to be written.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= STEP_BYTES
    }

    /// Adds entries about this topic.
    pub(super) fn about(&mut self, topic: &[u8]) -> &mut Self {
        if topic != self.topic {
            self.topic = Bytes::copy_from_slice(topic);
            self.bytes.push(1);
            self.bytes.extend_from_slice(&u16::try_from(topic.len()).unwrap_or(u16::MAX).to_le_bytes());
            self.bytes.extend_from_slice(topic);
        }
        self
    }

    pub(super) fn change(&mut self, change: TopicChange) {
        match change {
            TopicChange::Begun { since } => self.number(2, since),
            TopicChange::Gone => self.bytes.push(3),
        }
    }

    pub(super) fn sequence(&mut self, number: u64) {
        self.number(4, number);
    }

    fn number(&mut self, kind: u8, number: u64) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn event(&mut self, payload: &[u8]) {
        self.bytes.push(5);
        self.bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.bytes.extend_from_slice(payload);
    }

    pub(super) fn complete(&mut self) {
        self.bytes.push(6);
    }

    /// Completes the record, passes its bytes to `write`, and empties it. `covered` is the first segment of the ring that is
    /// not covered; 0: no statement.
    pub(super) fn write<T>(&mut self, covered: u32, write: impl FnOnce(&[u8]) -> T) -> T {
        let length = u32::try_from(self.bytes.len() - HEAD_BYTES).unwrap_or(u32::MAX).to_le_bytes();
        let epoch = self.epoch.to_le_bytes();
        self.put(HEAD_BYTES, &epoch);
        self.put(HEAD_BYTES + epoch.len(), &covered.to_le_bytes());
        let crc = crc(&length, self.bytes.get(HEAD_BYTES..).unwrap_or_default()).to_le_bytes();
        self.put(0, &length);
        self.put(length.len(), &crc);
        let written = write(&self.bytes);
        self.clear();
        written
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(space) = self.bytes.get_mut(at..at + bytes.len()) {
            space.copy_from_slice(bytes);
        }
    }
}

/// The checksum of a record.
pub(super) fn crc(length: &[u8], body: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(length);
    hasher.update(body);
    hasher.finalize()
}

/// The epoch, the first segment that is not covered, and the entries of a body.
pub(super) fn body(bytes: &[u8]) -> Option<(u64, u32, Entries<'_>)> {
    let mut reader = BytesReader::new(bytes);
    Some((reader.long()?, reader.word()?, Entries(reader)))
}

/// The entries of a body; `None` in the place of the first that is not one.
#[derive(Debug)]
pub(super) struct Entries<'a>(BytesReader<'a>);

impl<'a> Entries<'a> {
    fn entry(&mut self) -> Option<RowsEntry<'a>> {
        let reader = &mut self.0;
        Some(match reader.byte()? {
            1 => {
                let length = usize::from(reader.short()?);
                RowsEntry::Topic(reader.take(length)?)
            }
            2 => RowsEntry::Begun { since: reader.long()? },
            3 => RowsEntry::Gone,
            4 => RowsEntry::Sequence(reader.long()?),
            5 => {
                let length = usize::try_from(reader.word()?).ok()?;
                RowsEntry::Event(reader.take(length)?)
            }
            6 => RowsEntry::Complete,
            _ => return None,
        })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Option<RowsEntry<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_at_end()).then(|| self.entry())
    }
}
