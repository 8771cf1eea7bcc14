use std::collections::VecDeque;

use super::follower::Cursor;
use crate::publisher::ring::written_record::WrittenRecord;

/// The latest records that the follower has not read, still in memory: reading those costs a fraction of reading the ring's files.
///
/// It holds at most [`MAX_BYTES`] and [`MAX_RECORDS`]. If there are more, all are dropped, and the follower reads them from the ring.
#[derive(Debug, Default)]
pub(super) struct UnreadRecords {
    /// Oldest first.
    records: VecDeque<WrittenRecord>,
    bytes: usize,
}

/// What is written in some milliseconds: the time for which another task of the host may delay the reader.
const MAX_BYTES: usize = 2 * 1024 * 1024;

const MAX_RECORDS: usize = 64;

impl UnreadRecords {
    /// Adds the latest record.
    pub(super) fn push(&mut self, record: WrittenRecord) {
        if self.bytes + record.bytes.len() > MAX_BYTES || self.records.len() >= MAX_RECORDS {
            *self = Self::default();
        }
        self.bytes += record.bytes.len();
        self.records.push_back(record);
    }

    /// Removes the record after this place, and those before it, which were read. `None` if it is not here.
    pub(super) fn take_after(&mut self, at: Cursor) -> Option<WrittenRecord> {
        while self.records.front().is_some_and(|first| Cursor::of(first.place) < at) {
            self.take_first();
        }
        self.records.front().filter(|first| Cursor::of(first.after) == at)?;
        self.take_first()
    }

    fn take_first(&mut self) -> Option<WrittenRecord> {
        let first = self.records.pop_front()?;
        self.bytes -= first.bytes.len();
        Some(first)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Cursor, MAX_BYTES, MAX_RECORDS, UnreadRecords, WrittenRecord};
    use crate::publisher::ring::record_place::RecordPlace;

    fn record(start: u32, bytes: usize) -> WrittenRecord {
        let place = RecordPlace { segment: 1, start };
        WrittenRecord {
            after: place,
            place,
            bytes: Bytes::from(vec![0; bytes]),
            epoch: 1,
            frames: Vec::new(),
        }
    }

    fn at(offset: u32) -> Cursor {
        Cursor { segment: 1, offset }
    }

    #[test]
    fn the_record_after_a_place_comes_out_and_what_was_read_is_dropped() {
        let mut unread = UnreadRecords::default();
        (0..5).for_each(|number| unread.push(record(number * 16, 16)));
        assert_eq!(unread.take_after(at(16)), Some(record(16, 16)));
        assert_eq!(unread.take_after(at(20)), None, "no record is there");
        assert_eq!(unread.take_after(at(48)), Some(record(48, 16)));
        assert!(!unread.is_empty());
        assert_eq!((unread.take_after(at(80)), unread.is_empty(), unread.bytes), (None, true, 0));
    }

    #[test]
    fn with_too_many_records_only_the_latest_stays() {
        for (count, bytes) in [(MAX_RECORDS + 1, 16), (3, MAX_BYTES / 2)] {
            let mut unread = UnreadRecords::default();
            (0..count).for_each(|number| unread.push(record(number as u32, bytes)));
            assert_eq!((unread.records.len(), unread.bytes), (1, bytes));
        }
    }
}
