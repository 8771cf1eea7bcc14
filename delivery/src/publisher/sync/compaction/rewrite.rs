use std::io;
use std::sync::{Mutex, PoisonError};
use std::vec::IntoIter;

use bytes::Bytes;

use super::rows_file::RowsFile;
use super::rows_record::RowsRecord;
use crate::publisher::ring::folder::Folder;
use crate::publisher::sync::follower::Follower;
use crate::publisher::sync::snapshot_cache::compacted::TopicChange;

/// Writes a rows file anew: the rows as they are in the cache, one topic after the other.
///
/// What is compacted meanwhile is added to it as well. The events of the topic that is being written stay in memory until
/// that is done, at most as much again as the topic has.
#[derive(Debug)]
pub(super) struct Rewrite {
    pub(super) file: RowsFile,
    /// The segment that the reader of the ring was at when it began: everything before it was in the cache.
    pub(super) covered: u32,
    topics: IntoIter<Bytes>,
    topic: Bytes,
    payloads: IntoIter<Bytes>,
}

impl Rewrite {
    /// Begins the file.
    ///
    /// # Errors
    /// Those of making and writing a file.
    pub(super) fn begin(
        folder: &Folder,
        publisher: u64,
        topics: Vec<Bytes>,
        covered: u32,
    ) -> io::Result<Self> {
        Ok(Self {
            file: RowsFile::create(folder, publisher)?,
            covered,
            topics: topics.into_iter(),
            topic: Bytes::new(),
            payloads: Vec::new().into_iter(),
        })
    }

    /// Writes some rows; returns whether all are written.
    ///
    /// # Errors
    /// Those of writing the file.
    pub(super) fn step(&mut self, follower: &Mutex<Follower>, record: &mut RowsRecord) -> io::Result<bool> {
        while !record.is_full() {
            if let Some(payload) = self.payloads.next() {
                record.about(&self.topic).event(&payload);
            } else if let Some(topic) = self.topics.next() {
                self.begin_topic(topic, follower, record);
            } else {
                record.complete();
                record.write(self.covered, |bytes| self.file.append(bytes))?;
                return Ok(true);
            }
        }
        record.write(0, |bytes| self.file.append(bytes))?;
        Ok(false)
    }

    fn begin_topic(&mut self, topic: Bytes, follower: &Mutex<Follower>, record: &mut RowsRecord) {
        let rows = follower.lock().unwrap_or_else(PoisonError::into_inner).cache.rows_of(&topic);
        // Without snapshots since then, which is noted as a change.
        let Some(rows) = rows else { return };
        record.about(&topic).change(TopicChange::Begun { since: rows.since });
        rows.others.into_iter().for_each(|number| record.sequence(number));
        (self.topic, self.payloads) = (topic, rows.payloads.into_iter());
    }
}
