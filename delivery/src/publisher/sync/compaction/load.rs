use std::fs::File;
use std::io::{self, BufReader, Read};
use std::time::Duration;

use bytes::Bytes;
use pubsub_api::wire::RowRef;

use super::rows_file::{self, PREFIX_BYTES, RowsFile};
use super::rows_reader::{NextRows, RowsReader};
use super::rows_record::{self, HEAD_BYTES, RowsEntry};
use super::rows_refusal::RowsRefusal;
use crate::publisher::numbering::publisher_state::PublisherState;
use crate::publisher::ring::folder::Folder;
use crate::publisher::sync::snapshot_cache::SnapshotCache;
use crate::publisher::sync::unfit::Unfit;

/// A rows file whose rows are in the cache.
#[derive(Debug)]
pub(super) struct LoadedRows {
    pub(super) file: RowsFile,
    /// The first segment of the ring that it does not cover.
    pub(super) covered: u32,
    /// The size of the base in bytes.
    pub(super) base_bytes: u64,
    /// The number of bytes at its end that are no record.
    pub(super) cut_off: u64,
    /// The topics for which the cache has no room.
    pub(super) unfit: Vec<(Bytes, Unfit)>,
}

/// Reads the rows file into an empty cache; `None` if there is none. `first` is the first segment of the ring, with which the
/// cache is to be continued, and `last` its last one.
///
/// # Errors
/// Why the file is refused; the cache then has a part of it.
pub(super) fn load(
    folder: &Folder,
    publisher_state: &PublisherState,
    (first, last): (u32, u32),
    cache: &mut SnapshotCache,
) -> Result<Option<LoadedRows>, RowsRefusal> {
    let mut file = match File::options().read(true).write(true).open(folder.rows()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let size = file.metadata()?.len();
    let mut prefix = [0; PREFIX_BYTES];
    file.read_exact(&mut prefix)?;
    rows_file::check_prefix(&prefix, publisher_state.publisher).map_err(RowsRefusal::Prefix)?;
    let mut load = Load::new(publisher_state, cache);
    load.records(&file)?;
    let Load { valid, epoch, base_bytes, .. } = load;
    let covered = if base_bytes.is_some() { load.covered } else { 0 };
    if covered > 0 && (covered > last || !publisher_state.epoch_history.contains(epoch)) {
        return Err(RowsRefusal::AnotherRing);
    }
    if covered < first {
        return Err(RowsRefusal::EndsBefore { covered, first });
    }
    let file = RowsFile::resume(file, valid)?;
    let (base_bytes, cut_off) = (base_bytes.unwrap_or(0), size.saturating_sub(valid));
    let unfit = cache.end_restoring();
    Ok(Some(LoadedRows { file, covered, base_bytes, cut_off, unfit }))
}

/// The state of reading a file.
#[derive(Debug)]
struct Load<'a> {
    publisher_state: &'a PublisherState,
    cache: &'a mut SnapshotCache,
    /// The number of valid bytes.
    valid: u64,
    /// Of the last record.
    epoch: u64,
    covered: u32,
    /// Once the base is complete.
    base_bytes: Option<u64>,
}

impl<'a> Load<'a> {
    fn new(publisher_state: &'a PublisherState, cache: &'a mut SnapshotCache) -> Self {
        let valid = PREFIX_BYTES as u64;
        Self { publisher_state, cache, valid, epoch: 0, covered: 0, base_bytes: None }
    }

    /// Reads up to the end, or to the first bytes that are no record.
    fn records(&mut self, file: &File) -> io::Result<()> {
        let mut reader = RowsReader::new(BufReader::new(file));
        while let NextRows::Record(body) = reader.next()? {
            let Some((epoch, covered, entries)) = rows_record::body(body) else { break };
            let Some(is_complete) = self.entries(entries) else { break };
            self.epoch = epoch;
            self.valid += (HEAD_BYTES + body.len()) as u64;
            self.covered = self.covered.max(covered);
            if is_complete {
                self.base_bytes = Some(self.valid);
            }
        }
        Ok(())
    }

    /// Applies the entries of a record; returns whether the base is complete, or `None` at bytes that are no entry.
    fn entries(&mut self, entries: rows_record::Entries<'_>) -> Option<bool> {
        let mut topic: &[u8] = &[];
        let mut state = None;
        let mut is_complete = false;
        for entry in entries {
            match entry? {
                RowsEntry::Topic(name) => {
                    (topic, state) = (name, self.publisher_state.topics.named(name));
                    // It was retired. If it returns, the file has not all of its events.
                    if state.is_none() {
                        self.cache.reject(name);
                    }
                }
                RowsEntry::Complete => is_complete = true,
                RowsEntry::Gone => self.cache.reject(topic),
                RowsEntry::Sequence(number) => self.cache.restore_other(topic, number),
                RowsEntry::Begun { since } => {
                    let last = state.map(|state| state.oldest().saturating_sub(1));
                    last.into_iter().for_each(|last| self.cache.restore_topic(topic, since, last));
                }
                RowsEntry::Event(payload) => {
                    let last = state.map_or(0, |state| state.sequence.last());
                    self.event(topic, last, payload);
                }
            }
        }
        Some(is_complete)
    }

    /// Restores an event of a topic whose last sequence is `last`.
    fn event(&mut self, topic: &[u8], last: u64, payload: &[u8]) {
        let row = RowRef::find(payload);
        let number = row.and_then(|row| row.stamp).map(|stamp| stamp.sequence);
        match (row, number.filter(|number| *number <= last)) {
            // Deletions are kept as long as if they were of now.
            (Some(row), Some(number)) => {
                self.cache.restore_event(topic, number, (&row, payload), Duration::ZERO);
            }
            // Of a future that was lost with the end of the ring.
            _ => self.cache.reject(topic),
        }
    }
}
