use tempfile::TempDir;

use super::life::{Known, Life, MAX_TOPICS, PUBLISHER, options};
use crate::publisher::ring::folder::Folder;
use crate::publisher::ring::open_ring::RingStart;
use crate::publisher::ring::ring_return::RingReturn;

/// An eighth of it holds some ten events.
const RING_BYTES: u64 = 8 * 1024;

fn in_memory() -> Life {
    Life::begin(options(None, RING_BYTES, MAX_TOPICS), 1000)
}

/// The same but for the oldest events, since each start begins a segment.
fn assert_same(before: &[Known], after: &[Known]) {
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(after) {
        assert_eq!((&before.topic, before.last), (&after.topic, after.last));
        assert!(before.kept.ends_with(&after.kept), "{before:?} {after:?}");
    }
    assert!(after.iter().any(|known| !known.kept.is_empty()), "{after:?}");
}

fn found(folder: &TempDir) -> Life {
    Life::begin(options(Some(folder.path()), RING_BYTES, MAX_TOPICS), 2000)
}

#[test]
fn a_ring_that_returned_to_its_folder_has_everything_that_was_in_memory() {
    for rounds_between in [0, 1, 5, 40] {
        let folder = tempfile::tempdir().unwrap();
        let mut life = in_memory();
        for _ in 0..7 {
            life.publish_on(&["a", "b"]);
        }
        let mut way = RingReturn::begin(folder.path(), PUBLISHER).unwrap();
        way.follow(&life.sequencer.ring.held()).unwrap();
        for _ in 0..rounds_between {
            life.publish_on(&["a", "c", "c"]);
        }
        way.finish(&mut life.sequencer.ring).unwrap();
        assert!(life.sequencer.ring.is_persistent());
        life.publish_on(&["b", "d"]);
        let known = life.known();
        drop(life);
        let again = found(&folder);
        assert_eq!(again.start, RingStart::Recovered, "{rounds_between}");
        assert_same(&known, &again.known());
    }
}

#[test]
fn a_failed_return_leaves_nothing_that_could_be_mistaken_for_the_ring() {
    let folder = tempfile::tempdir().unwrap();
    let mut life = in_memory();
    life.publish_on(&["a", "b"]);
    let mut way = RingReturn::begin(folder.path(), PUBLISHER).unwrap();
    way.follow(&life.sequencer.ring.held()).unwrap();
    // Killed here, or given up: both leave copies at most.
    drop(way);
    assert_eq!(found(&folder).start, RingStart::New);
}

#[test]
fn earlier_segments_of_the_folder_are_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    found(&folder).publish_on(&["old"]);
    let mut life = in_memory();
    life.publish_on(&["new"]);
    RingReturn::begin(folder.path(), PUBLISHER).unwrap().finish(&mut life.sequencer.ring).unwrap();
    let known = life.known();
    drop(life);
    assert_same(&known, &found(&folder).known());
}

#[test]
fn a_folder_that_was_deleted_or_replaced_is_not_in_place() {
    let state_dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(state_dir.path(), PUBLISHER).unwrap();
    assert!(folder.is_in_place());
    std::fs::remove_dir_all(folder.path()).unwrap();
    assert!(!folder.is_in_place());
    let other = Folder::open(state_dir.path(), PUBLISHER).unwrap();
    assert!(other.is_in_place() && !folder.is_in_place());
}
