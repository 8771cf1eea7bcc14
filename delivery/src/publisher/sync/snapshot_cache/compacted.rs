//! What compaction reads of the cache, and what it restores into the cache at a start.

use std::time::Duration;

use bytes::Bytes;
use pubsub_api::wire::RowRef;

use super::{Rows, SnapshotCache, name_row, size};
use crate::publisher::sync::unfit::Unfit;

/// What compaction writes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::publisher::sync) enum Retained {
    /// The event: it is the latest of its row.
    Event,
    /// Its sequence: it is of no row.
    Sequence,
    /// Nothing: a later event replaced it, or its topic has no snapshots.
    Nothing,
}

/// A change of the topics in the cache since the rows file was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::publisher::sync) enum TopicChange {
    /// It has snapshots from sequence 1 on, which was of this epoch.
    Begun { since: u64 },
    /// It has no snapshots any more.
    Gone,
}

/// The content of the cache about a topic.
#[derive(Debug)]
pub(in crate::publisher::sync) struct TopicRows {
    /// The epoch of sequence 1.
    pub(in crate::publisher::sync) since: u64,
    /// The sequences of events of no row, ascending.
    pub(in crate::publisher::sync) others: Vec<u64>,
    /// In any order.
    pub(in crate::publisher::sync) payloads: Vec<Bytes>,
}

impl SnapshotCache {
    /// What follows is read from this segment of the ring.
    pub(in crate::publisher::sync) fn begin_segment(&mut self, segment: u32) {
        self.latest_in.begin(segment);
    }

    /// Whether the segment may have an event that compaction [retains](Self::retained).
    pub(in crate::publisher::sync) fn retains_of(&self, segment: u32) -> bool {
        self.latest_in.has_any(segment)
    }

    /// The segments before this one are compacted.
    pub(in crate::publisher::sync) fn forget_segments_before(&mut self, segment: u32) {
        self.latest_in.forget_before(segment);
    }

    /// What is written of an event that was read before.
    ///
    /// A deletion is written after its row was forgotten as well: the file may have an older event of the row.
    pub(in crate::publisher::sync) fn retained(
        &mut self,
        topic: &[u8],
        number: u64,
        event: &RowRef<'_>,
    ) -> Retained {
        let Self { topics, name, .. } = self;
        let Some(rows) = topics.get(topic) else { return Retained::Nothing };
        if !name_row(event, name) {
            let is_known = rows.others_before == number || rows.others.binary_search(&number).is_ok();
            return if is_known { Retained::Sequence } else { Retained::Nothing };
        }
        match rows.rows.get(&name[..]) {
            Some(row) if row.number == number => Retained::Event,
            None if event.action == b"delete" => Retained::Event,
            _ => Retained::Nothing,
        }
    }

    /// Removes at most `limit` of the changes since the last call, and returns them.
    pub(in crate::publisher::sync) fn take_changes(&mut self, limit: usize) -> Vec<(Bytes, TopicChange)> {
        let names: Vec<Bytes> = self.changes.keys().take(limit).cloned().collect();
        names.into_iter().filter_map(|name| self.changes.remove_entry(&name)).collect()
    }

    /// Forgets the changes: a base that is written from now on has them.
    pub(in crate::publisher::sync) fn forget_changes(&mut self) {
        self.changes.clear();
    }

    /// The names of all topics.
    pub(in crate::publisher::sync) fn names(&self) -> Vec<Bytes> {
        self.topics.keys().cloned().collect()
    }

    /// The content about a topic, if it is in the cache.
    pub(in crate::publisher::sync) fn rows_of(&self, topic: &[u8]) -> Option<TopicRows> {
        let Rows { since, others, others_before, rows, .. } = self.topics.get(topic)?;
        let before = (*others_before > 0).then_some(*others_before);
        Some(TopicRows {
            since: *since,
            others: before.into_iter().chain(others.iter().copied()).collect(),
            payloads: rows.values().map(|row| row.payload.share()).collect(),
        })
    }

    /// Restores a topic of the rows file, without rows; `last` is the sequence before those in the ring.
    pub(in crate::publisher::sync) fn restore_topic(&mut self, topic: &[u8], since: u64, last: u64) {
        if !self.topics.contains_key(topic) && !self.without.contains(topic) {
            self.changes.remove(topic);
            self.bytes += size(topic.len(), 0);
            self.topics.insert(Bytes::copy_from_slice(topic), Rows { since, last, ..Rows::default() });
        }
    }

    /// Restores the sequence of an event of no row.
    pub(in crate::publisher::sync) fn restore_other(&mut self, topic: &[u8], number: u64) {
        if let Some(rows) = self.topics.get_mut(topic) {
            rows.pass(number);
        }
    }

    /// Restores an event of a topic. Of several events of a row, the one with the highest sequence stays.
    pub(in crate::publisher::sync) fn restore_event(
        &mut self,
        topic: &[u8],
        number: u64,
        (event, payload): (&RowRef<'_>, &[u8]),
        now: Duration,
    ) {
        let Self { topics, name, bytes, latest_in, .. } = self;
        let Some(rows) = topics.get_mut(topic) else { return };
        let is_row = name_row(event, name);
        if is_row && rows.rows.get(&name[..]).is_none_or(|row| row.number < number) {
            let deleted_at = (event.action == b"delete").then_some(now);
            *bytes = bytes.wrapping_add_signed(rows.put(name, number, payload, deleted_at, latest_in));
        }
    }

    /// Ends restoring. Returns the topics for which there is no room, largest first.
    pub(in crate::publisher::sync) fn end_restoring(&mut self) -> Vec<(Bytes, Unfit)> {
        self.shrink()
    }

    /// Removes a topic of the rows file, which must not be restored at a later start either.
    pub(in crate::publisher::sync) fn reject(&mut self, topic: &[u8]) {
        self.forget(topic);
        self.changes.insert(Bytes::copy_from_slice(topic), TopicChange::Gone);
    }

    /// Removes the topics whose last event was not read, and those that were retired. `last_of` is the last sequence of a topic.
    /// Returns those whose last event was not read.
    pub(in crate::publisher::sync) fn check(
        &mut self,
        last_of: impl Fn(&[u8]) -> Option<u64>,
    ) -> Vec<(Bytes, Unfit)> {
        let behind = self.topics.iter().filter(|(topic, rows)| last_of(topic) != Some(rows.last));
        let behind: Vec<Bytes> = behind.map(|(topic, _)| topic.clone()).collect();
        let mut unfit = Vec::new();
        for topic in behind {
            match last_of(&topic) {
                Some(_) => unfit.extend(self.miss(&topic)),
                None => self.forget(&topic),
            }
        }
        unfit
    }
}
