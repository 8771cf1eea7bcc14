use std::fs;
use std::path::PathBuf;

use pubsub_api::Batch;
use tempfile::TempDir;

use super::life::{Life, MAX_TOPICS, PUBLISHER, event, options};
use crate::publisher::ring::open_ring::RingStart;
use crate::publisher::ring::rebuild::Rebuild;
use crate::publisher::ring::record::HEAD_BYTES;
use crate::publisher::sync::replay::Replay;

/// An eighth of it holds some ten events.
const RING_BYTES: u64 = 32 * 1024;

fn at(folder: &TempDir) -> Life {
    Life::begin(options(Some(folder.path()), RING_BYTES, MAX_TOPICS), 1000)
}

fn ring(folder: &TempDir) -> PathBuf {
    folder.path().join(format!("ring-{PUBLISHER:016x}"))
}

/// The numbers and contents of all segments, in order.
fn segments(folder: &TempDir) -> Vec<(u32, Vec<u8>)> {
    let entries = fs::read_dir(ring(folder)).unwrap().map(|entry| entry.unwrap().path());
    let number =
        |path: &PathBuf| u32::from_str_radix(path.file_name()?.to_str()?.strip_prefix("segment-")?, 16).ok();
    let mut all: Vec<_> =
        entries.filter_map(|path| Some((number(&path)?, fs::read(path).unwrap()))).collect();
    all.sort_unstable();
    all
}

/// Publishes until each file was used several times.
fn many_laps(life: &mut Life) {
    for round in 0..400 {
        let mut batch = Batch::new();
        (0..round % 5 + 1).for_each(|_| batch.push(event("a", 100 + round)));
        life.publish(batch);
    }
}

fn event_of_500() -> Batch {
    let mut batch = Batch::new();
    batch.push(event("a", 500));
    batch
}

#[test]
fn files_are_used_again_and_what_an_earlier_segment_left_is_no_record() {
    let folder = TempDir::new().unwrap();
    let mut life = at(&folder);
    many_laps(&mut life);
    let known = life.known();
    let files = segments(&folder);
    assert!(files.last().unwrap().0 > 16, "many laps");
    assert!(files.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>() < 2 * RING_BYTES);
    drop(life);
    assert_eq!(segments(&folder), files, "a kill changes nothing");
    let after = at(&folder);
    assert_eq!(after.start, RingStart::Recovered);
    assert_eq!((&known[0].topic, known[0].last), (&after.known()[0].topic, after.known()[0].last));
    assert!(known[0].kept.ends_with(&after.known()[0].kept) && !after.known()[0].kept.is_empty());
}

/// A changed bit refuses the ring where it is in a record or in the end marker, and has no effect after it.
#[test]
fn every_bit_of_the_records_counts_and_none_of_the_rest_of_a_file_does() {
    let folder = TempDir::new().unwrap();
    let mut life = at(&folder);
    many_laps(&mut life);
    let begun = life.sequencer.ring.last().unwrap().segment.number();
    while life.sequencer.ring.last().unwrap().segment.number() == begun {
        life.publish(event_of_500());
    }
    let end = life.sequencer.ring.last().unwrap().end as usize + HEAD_BYTES;
    let files = segments(&folder);
    let read = |changed: Option<&[u8]>| {
        let last = files.last().unwrap().0;
        let mut rebuild = Rebuild::new(PUBLISHER, MAX_TOPICS);
        let read = files.iter().try_for_each(|(number, bytes)| {
            let bytes = changed.filter(|_| *number == last).unwrap_or(bytes);
            rebuild.segment(bytes, *number, *number == last).map(drop)
        });
        read.map(|()| rebuild.finish().topics.named(b"a").unwrap().sequence.last())
    };
    let whole = read(None).unwrap();
    let last = &files.last().unwrap().1;
    assert!(end + 500 < last.len(), "an earlier segment left something");
    for at in (0..last.len()).step_by(3) {
        let mut changed = last.clone();
        changed[at] ^= 1 << (at % 8);
        let outcome = read(Some(&changed));
        assert_eq!(outcome.ok(), (at >= end).then_some(whole), "byte {at}, the records end at {end}");
    }
}

#[test]
fn a_reader_keeps_what_it_reads_when_the_ring_goes_on() {
    let folder = TempDir::new().unwrap();
    let mut life = at(&folder);
    life.publish_on(&["a", "a"]);
    let places = life.sequencer.publisher_state.topics.named(b"a").unwrap().index.since(2, 1);
    let mut replay = Replay::new(places, life.sequencer.ring.segments());
    many_laps(&mut life);
    let mut batch = Batch::new();
    while !replay.is_over() {
        replay.read_some(&mut batch).unwrap();
    }
    assert_eq!(super::life::stamps(&batch), [(1000, 1), (1000, 2)]);
}

/// The process was killed after it had removed the oldest segment, and before its file was the next one.
#[test]
fn a_file_between_two_uses_is_not_part_of_the_ring() {
    let folder = TempDir::new().unwrap();
    let mut life = at(&folder);
    many_laps(&mut life);
    let last = life.last("a");
    drop(life);
    let oldest = segments(&folder)[0].0;
    fs::rename(ring(&folder).join(format!("segment-{oldest:08x}")), ring(&folder).join("spare")).unwrap();
    let life = at(&folder);
    assert_eq!((life.start, life.last("a")), (RingStart::Recovered, last));
    assert!(!ring(&folder).join("spare").exists());
}
