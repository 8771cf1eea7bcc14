use std::sync::MutexGuard;
use std::time::Duration;

use pubsub_api::{Action, Batch, Envelope, Event, SEND_ALL};

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

    /// Writes a record of these rows, of a value of this number of bytes.
    fn write(&self, rows: std::ops::Range<u32>, value_bytes: usize) -> WrittenRecord {
        let mut batch = Batch::new();
        let value = "v".repeat(value_bytes);
        for row in rows {
            let event = Event::new("lport", row.to_string(), Action::Set, value.clone(), SEND_ALL);
            batch.push(Envelope::pack(&event).unwrap());
        }
        let numbered = self.sequencer.lock().number(&mut batch, self.sequencer.now(), &mut Batch::new());
        assert!(batch.is_empty(), "one record holds them");
        numbered.record.unwrap()
    }

    fn publish(&self, rows: std::ops::Range<u32>, value_bytes: usize) {
        let record = self.write(rows, value_bytes);
        self.snapshots.follow(&record, &self.sequencer);
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
    assert_eq!(publisher.read(), Some((3, 3)), "that is too much for publish");
    while publisher.snapshots.step(&publisher.sequencer) != Ahead::Nothing {}
    assert_eq!(publisher.read(), Some((405, 20)));
    publisher.publish(20..21, 10);
    assert_eq!(publisher.read(), Some((406, 21)));
}

#[test]
fn a_record_that_a_request_has_read_is_not_read_again() {
    let publisher = Publisher::begin();
    publisher.publish(0..1, 10);
    let record = publisher.write(1..2, 10);
    assert_eq!(publisher.snapshots.catch_up(&publisher.sequencer, b"D").map(|read| read.number), Some(2));
    publisher.snapshots.follow(&record, &publisher.sequencer);
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
