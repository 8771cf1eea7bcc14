pub(super) mod compacted;
mod latest_event;
mod observing;
mod row_payload;
mod segment_counts;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use foldhash::fast::RandomState;
use pubsub_api::wire::RowRef;

use super::unfit::Unfit;
use compacted::TopicChange;
pub(crate) use latest_event::LatestEvent;
use row_payload::RowPayload;
use segment_counts::SegmentCounts;

/// The latest event of each row, for the topics of which every event since sequence 1 was read.
///
/// An event is of a row if it has a table and a key and is not `sync`: whatever its action, it is the row's latest, as it is
/// for subscribers (`table::Table`). Other events are in no snapshot; their sequences are kept, so that a subscriber that
/// missed them learns of it.
///
/// A topic with a missing event is not in the cache, and does not return: an incomplete cache is never a snapshot. Deleted rows
/// stay for at least ten minutes, so that a subscriber that merges several publishers learns of the deletion.
#[derive(Debug, Default)]
pub(crate) struct SnapshotCache {
    topics: HashMap<Bytes, Rows, RandomState>,
    /// Topics that were reported to have no snapshots: each is reported once. At most as many as the publisher has topics.
    without: HashSet<Bytes, RandomState>,
    /// The name of the current event's row: its table's length, its table, its key.
    name: Vec<u8>,
    bytes: u64,
    bound: u64,
    latest_in: SegmentCounts,
    /// At most one for each topic that was published on since the rows file was written.
    changes: HashMap<Bytes, TopicChange, RandomState>,
    /// The topic whose table of rows is large and nearly full.
    growing: Option<Bytes>,
}

#[derive(Debug, Default)]
struct Rows {
    /// The epoch of sequence 1.
    since: u64,
    /// The sequence of the last event.
    last: u64,
    rows: HashMap<Box<[u8]>, Row, RandomState>,
    bytes: u64,
    /// The sequences of the latest events of no row; at most [`MAX_OTHERS`].
    others: VecDeque<u64>,
    /// The highest sequence of an event of no row that is not among those.
    others_before: u64,
}

/// The number of events of no row whose sequences are kept; of earlier ones only the highest is.
const MAX_OTHERS: usize = 64;

#[derive(Debug)]
struct Row {
    number: u64,
    payload: RowPayload,
    deleted_at: Option<Duration>,
    /// The segment of the ring that it was read from; 0 if that was the rows file.
    segment: u32,
}

/// The latest events of a topic's rows, in the order of their sequences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// The epoch in which the topic's sequences began.
    pub(super) since: u64,
    /// The sequence up to which it is complete.
    pub(super) number: u64,
    pub(super) payloads: Vec<Bytes>,
}

/// A table with this number of rows takes more than a millisecond to grow.
const LARGE_ROWS: usize = 8192;

/// A large table with room for less than this number of rows grows before it is full: a record may have this number of new ones.
const SPARE_ROWS: usize = 1024;

/// How long a deleted row is kept at least.
const TOMBSTONE: Duration = Duration::from_secs(600);

/// The approximate cost, in bytes, of a row or topic beside its own bytes: entries of hash tables, with their spare room.
const ROW_BYTES: usize = 160;

impl Rows {
    /// A topic without any event of a row has no snapshot: its events are replayed.
    fn have_snapshot(&self) -> bool {
        !self.rows.is_empty() || self.others.is_empty()
    }

    /// Stores the event of the named row; returns the number of bytes by which the rows grew.
    fn put(
        &mut self,
        name: &[u8],
        number: u64,
        payload: &[u8],
        deleted_at: Option<Duration>,
        latest_in: &mut SegmentCounts,
    ) -> i64 {
        let before = self.bytes;
        let segment = latest_in.current();
        match self.rows.get_mut(name) {
            Some(row) => {
                self.bytes -= size(name.len(), row.payload.len());
                row.payload.replace(payload);
                (row.number, row.deleted_at) = (number, deleted_at);
                latest_in.add(Some(std::mem::replace(&mut row.segment, segment)));
            }
            None => {
                let payload = RowPayload::new(payload);
                self.rows.insert(name.into(), Row { number, payload, deleted_at, segment });
                latest_in.add(None);
            }
        }
        self.bytes += size(name.len(), payload.len());
        self.bytes.wrapping_sub(before).cast_signed()
    }

    fn is_about_to_grow(&self) -> bool {
        self.rows.len() >= LARGE_ROWS && self.rows.capacity() - self.rows.len() < SPARE_ROWS
    }

    /// Skips an event of no row, unless that was done before.
    fn pass(&mut self, number: u64) {
        if number <= self.others.back().copied().unwrap_or(self.others_before) {
            return;
        }
        self.others.push_back(number);
        if self.others.len() > MAX_OTHERS {
            self.others_before = self.others.pop_front().unwrap_or(self.others_before);
        }
    }

    /// The least number of events of no row with a higher sequence.
    fn others_after(&self, number: u64) -> u64 {
        let known = self.others.iter().filter(|other| **other > number).count();
        u64::try_from(known).unwrap_or(u64::MAX) + u64::from(self.others_before > number)
    }
}

impl SnapshotCache {
    pub(super) fn new(bound: u64) -> Self {
        Self { bound, ..Self::default() }
    }

    /// Whether a large table is nearly full: then [`grow`](Self::grow) should be called before the next events.
    pub(super) fn is_about_to_grow(&self) -> bool {
        self.growing.is_some()
    }

    /// Makes room in a large table that is nearly full, which may take some milliseconds.
    pub(super) fn grow(&mut self) {
        let Some(topic) = self.growing.take() else { return };
        if let Some(rows) = self.topics.get_mut(&topic) {
            rows.rows.reserve(SPARE_ROWS);
        }
    }

    /// Removes a topic for good.
    fn give_up(&mut self, topic: &[u8], unfit: Unfit) -> (Bytes, Unfit) {
        self.forget(topic);
        let topic = Bytes::copy_from_slice(topic);
        self.without.insert(topic.clone());
        (topic, unfit)
    }

    /// Removes the largest topics until the rest fits.
    fn shrink(&mut self) -> Vec<(Bytes, Unfit)> {
        let mut gone = Vec::new();
        while self.bytes > self.bound {
            let largest = self.topics.iter().max_by_key(|(_, rows)| rows.bytes);
            let Some(topic) = largest.map(|(topic, _)| topic.clone()) else { break };
            gone.push(self.give_up(&topic, Unfit::TooBig));
        }
        gone
    }

    fn forget(&mut self, topic: &[u8]) {
        let Some((topic, rows)) = self.topics.remove_entry(topic) else { return };
        self.bytes -= rows.bytes + size(topic.len(), 0);
        self.changes.insert(topic, TopicChange::Gone);
    }

    /// Removes rows that were deleted long ago, and topics that are no longer known.
    pub(super) fn sweep(&mut self, now: Duration, is_known: impl Fn(&[u8]) -> bool) {
        let retired: Vec<Bytes> = self.topics.keys().filter(|topic| !is_known(topic)).cloned().collect();
        for topic in retired {
            self.forget(&topic);
        }
        self.without.retain(|topic| is_known(topic));
        for rows in self.topics.values_mut() {
            let is_old = |row: &Row| row.deleted_at.is_some_and(|at| now.saturating_sub(at) >= TOMBSTONE);
            let gone = rows.rows.extract_if(|_, row| is_old(row));
            let bytes: u64 = gone.map(|(key, row)| size(key.len(), row.payload.len())).sum();
            rows.bytes -= bytes;
            self.bytes -= bytes;
        }
    }

    /// The approximate size, in bytes, of a topic's snapshot, if there is one; and the number of events after `number` that are
    /// in none.
    pub(super) fn size_of(&self, topic: &[u8], number: u64) -> Option<(u64, u64)> {
        let rows = self.topics.get(topic).filter(|rows| rows.have_snapshot())?;
        Some((rows.bytes, rows.others_after(number)))
    }

    /// A topic's snapshot.
    pub(super) fn snapshot(&self, topic: &[u8]) -> Option<Snapshot> {
        let Rows { since, last, rows, .. } = self.topics.get(topic).filter(|rows| rows.have_snapshot())?;
        let mut latest: Vec<&Row> = rows.values().collect();
        latest.sort_unstable_by_key(|row| row.number);
        let payloads = latest.into_iter().map(|row| row.payload.share()).collect();
        Some(Snapshot { since: *since, number: *last, payloads })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn bound(&self) -> u64 {
        self.bound
    }

    /// The number of topics with snapshots.
    pub(crate) fn topics(&self) -> usize {
        self.topics.len()
    }
}

/// Stores the name of the event's row; `false` if it is of no row.
fn name_row(event: &RowRef<'_>, name: &mut Vec<u8>) -> bool {
    let row = event.table.zip(event.key).filter(|_| event.action != b"sync");
    row.is_some_and(|(table, key)| write_name(table, key, name))
}

/// Stores the name of a row; `false` if its table is too long for one.
fn write_name(table: &[u8], key: &[u8], name: &mut Vec<u8>) -> bool {
    let Ok(length) = u32::try_from(table.len()) else { return false };
    name.clear();
    name.extend_from_slice(&length.to_le_bytes());
    name.extend_from_slice(table);
    name.extend_from_slice(key);
    true
}

fn size(key: usize, payload: usize) -> u64 {
    u64::try_from(ROW_BYTES + key + payload).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
