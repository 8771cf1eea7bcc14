use std::sync::MutexGuard;
use std::time::Duration;

use bytes::Bytes;
use pubsub_api::wire::{RowRef, plain_row};
use pubsub_api::{Action, Batch, Edit, Envelope, Event, SEND_ALL, Topic};

use super::{Ahead, Snapshots};
use crate::publisher::ring::RingBound;
use crate::publisher::ring::open_ring::{self, Opened, RingOptions};
use crate::publisher::ring::written_record::WrittenRecord;
use crate::publisher::sequencer::Sequencer;
use crate::publisher::shared_sequencer::SharedSequencer;
use crate::publisher::sync::follower::Follower;

/// A publisher with a ring of 1 MiB in memory, whose snapshots nobody reads but these tests.
struct Publisher {
    sequencer: SharedSequencer,
    snapshots: Snapshots,
}

impl Publisher {
    fn begin() -> Self {
        let bound = RingBound { ring_bytes: 1 << 20 };
        let options = RingOptions { state_dir: None, publisher: 7, bound, max_topics: 9 };
        let Opened { ring, publisher_state, .. } = open_ring::open(options, 5).unwrap();
        let snapshots = Snapshots::open(&ring, &publisher_state, 64 << 20);
        let sequencer = SharedSequencer::new(Sequencer::new(publisher_state, ring, Duration::ZERO, None));
        snapshots.begin();
        Self { sequencer, snapshots }
    }

    /// Writes a record of these rows, of a value of this number of bytes. Every other one has the places of its rows.
    fn write(&self, rows: std::ops::Range<u32>, value_bytes: usize) -> WrittenRecord {
        let mut batch = Batch::new();
        let value = "v".repeat(value_bytes);
        let are_noted = rows.start.is_multiple_of(2);
        for row in rows {
            let event = Event::new("lport", row.to_string(), Action::Set, value.clone(), SEND_ALL);
            batch.push(Envelope::pack(&event).unwrap());
        }
        if are_noted {
            note_rows(&mut batch);
        }
        self.write_batch(batch)
    }

    fn write_batch(&self, mut batch: Batch) -> WrittenRecord {
        let numbered = self.sequencer.lock().number(&mut batch, self.sequencer.now(), &mut Batch::new());
        assert!(batch.is_empty(), "one record holds them");
        numbered.record.unwrap()
    }

    fn publish(&self, rows: std::ops::Range<u32>, value_bytes: usize) {
        let record = self.write(rows, value_bytes);
        self.snapshots.follow(record, &self.sequencer);
    }

    /// The sequence up to which the follower has read, and the number of rows.
    fn read(&self) -> Option<(u64, usize)> {
        let snapshot = self.follower().cache.snapshot(b"D")?;
        Some((snapshot.number, snapshot.payloads.len()))
    }

    fn follower(&self) -> MutexGuard<'_, Follower> {
        self.snapshots.follower()
    }
}

fn note_rows(batch: &mut Batch) {
    batch.edit(|event| plain_row(event.topic, event.payload).map_or(Edit::Keep, Edit::Note));
}

#[test]
fn a_record_whose_rows_are_known_is_read_as_one_that_is_parsed() {
    let (parsed, noted) = (Publisher::begin(), Publisher::begin());
    let on = |topic: &str, action, key: Option<&str>, version| {
        let topic = Topic::new(topic.to_owned()).unwrap();
        let event = Event::new("lport", "", action, "v", topic);
        Envelope::pack(&Event { key: key.map(str::to_owned), version, ..event }).unwrap()
    };
    let mut batch = Batch::new();
    for (topic, action, key, version) in [
        ("D", Action::Set, Some("a"), None),
        ("D", Action::Set, Some("a"), None),
        ("D", Action::Set, Some("b"), Some(7)),
        ("D", Action::Set, Some("a"), None),
        ("other", Action::Set, Some("a"), None),
        ("D", Action::Delete, Some("a"), None),
        ("D", Action::Sync, Some("a"), None),
        ("D", Action::Set, None, None),
        ("other", Action::Delete, Some("a"), None),
        ("D", Action::Create, Some("c"), None),
    ] {
        batch.push(on(topic, action, key, version));
    }
    let mut of_noted = batch.clone();
    note_rows(&mut of_noted);
    for (publisher, batch) in [(&parsed, batch), (&noted, of_noted)] {
        let record = publisher.write_batch(batch);
        let is_noted = record.frames.iter().any(|frame| frame.row.is_some());
        assert_eq!(is_noted, std::ptr::eq(publisher, &noted));
        publisher.snapshots.follow(record, &publisher.sequencer);
    }
    for (topic, rows) in [(&b"D"[..], 3), (b"other", 1)] {
        let read = |publisher: &Publisher| {
            let cache = &publisher.follower().cache;
            let snapshot = cache.snapshot(topic).unwrap();
            let row = |payload: &Bytes| {
                let row = RowRef::find(payload).unwrap();
                (row.key.map(<[u8]>::to_vec), row.action.to_vec(), row.stamp.unwrap().sequence)
            };
            let rows: Vec<_> = snapshot.payloads.iter().map(row).collect();
            (snapshot.number, rows, cache.size_of(topic, 0), cache.bytes())
        };
        assert_eq!(read(&noted), read(&parsed));
        assert_eq!(read(&noted).1.len(), rows);
    }
}

#[test]
fn a_record_is_read_when_it_was_written_and_the_ring_has_nothing_left_for_the_thread() {
    let publisher = Publisher::begin();
    for round in 1..=400 {
        publisher.publish(0..20, 300);
        assert_eq!(publisher.read(), Some((round * 20, 20)), "also across the ends of segments");
    }
    assert_eq!(publisher.snapshots.step(&publisher.sequencer), Ahead::Nothing);
}

#[test]
fn records_that_were_left_are_read_with_a_later_one_or_by_the_thread() {
    let publisher = Publisher::begin();
    publisher.publish(0..1, 10);
    publisher.write(1..2, 10);
    publisher.publish(2..3, 10);
    assert_eq!(publisher.read(), Some((3, 3)), "a little is read from the ring");
    let in_use = publisher.follower();
    publisher.publish(3..4, 10);
    drop(in_use);
    assert_eq!(publisher.read(), Some((3, 3)), "publish does not wait for the follower");
    (0..20).for_each(|_| drop(publisher.write(0..20, 1000)));
    publisher.publish(4..5, 10);
    assert_eq!(
        publisher.read(),
        Some((4, 4)),
        "the one of before is in memory, and the rest is too much for publish"
    );
    while publisher.snapshots.step(&publisher.sequencer) != Ahead::Nothing {}
    assert_eq!(publisher.read(), Some((405, 20)));
    publisher.publish(20..21, 10);
    assert_eq!(publisher.read(), Some((406, 21)));
}

#[test]
fn records_that_were_written_while_the_follower_was_in_use_are_read_from_memory() {
    let publisher = Publisher::begin();
    publisher.publish(0..1, 10);
    let in_use = publisher.follower();
    (0..20).for_each(|round| publisher.publish(round..round + 20, 1000));
    drop(in_use);
    assert_eq!(publisher.read(), Some((1, 1)));
    publisher.publish(0..1, 10);
    assert_eq!(publisher.read(), Some((402, 39)), "publish would not read as much of the ring");
    assert_eq!(publisher.snapshots.step(&publisher.sequencer), Ahead::Nothing);
    let in_use = publisher.follower();
    publisher.publish(0..1, 10);
    drop(in_use);
    publisher.snapshots.step(&publisher.sequencer);
    assert_eq!(publisher.read(), Some((403, 39)), "so does the thread");
}

#[test]
fn a_record_that_a_request_has_read_is_not_read_again() {
    let publisher = Publisher::begin();
    publisher.publish(0..1, 10);
    let record = publisher.write(1..2, 10);
    assert_eq!(publisher.snapshots.catch_up(&publisher.sequencer, b"D").map(|read| read.number), Some(2));
    publisher.snapshots.follow(record, &publisher.sequencer);
    publisher.publish(2..3, 10);
    assert_eq!(publisher.read(), Some((3, 3)));
}

#[test]
fn a_large_table_grows_on_the_thread() {
    let publisher = Publisher::begin();
    let (mut rows, mut left) = (0, 0);
    while rows < 40_000 {
        publisher.publish(rows..rows + 200, 1);
        rows += 200;
        if publisher.read() != Some((u64::from(rows), rows as usize)) {
            left += 1;
            while publisher.snapshots.step(&publisher.sequencer) != Ahead::Nothing {}
        }
        assert_eq!(publisher.read(), Some((u64::from(rows), rows as usize)));
    }
    assert!((1..=4).contains(&left), "{left}");
}
