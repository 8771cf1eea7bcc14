use std::time::Duration;

use pubsub_api::{Event, Topic};
use tempfile::TempDir;

use super::scene::{Scene, event, fold, set};
use crate::publisher::sync::compaction::compaction_metrics::RowsStart;

/// Later than any deletion is kept.
const LATER: Duration = Duration::from_secs(100_000);

/// Changes of `rows` rows, in turn.
fn changes(topic: &str, rows: usize, count: usize) -> Vec<Event> {
    (0..count).map(|n| set(topic, &format!("k{}", n % rows), &format!("{n} {}", "v".repeat(100)))).collect()
}

#[test]
fn rows_whose_events_left_the_ring_are_there_after_a_kill() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    let (rare, often) = (changes("rare", 300, 300), changes("often", 5, 2000));
    scene.publish_slowly(rare.clone());
    scene.publish_slowly(often.clone());
    assert!(scene.first_segment() > 10, "the ring has removed what it had of the rare ones");
    let before = (scene.rows("rare"), scene.rows("often"));
    assert_eq!(before, (Some((300, fold(&rare))), Some((2000, fold(&often)))));
    drop(scene);
    for epoch in 2000..2100 {
        let scene = Scene::start(folder.path(), epoch);
        assert_eq!(scene.rows_start(), RowsStart::Recovered);
        assert_eq!((scene.rows("rare"), scene.rows("often")), before, "start {epoch}");
        scene.work();
    }
}

#[test]
fn rows_that_change_often_are_not_written_to_the_file() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    scene.publish_slowly(changes("often", 5, 5000));
    assert!(scene.counter("rows_segments_compacted") > 100);
    assert_eq!(scene.counter("rows_bases_written"), 1, "the first one, which was empty");
    assert!(scene.counter("rows_file_bytes") < 10_000, "{}", scene.counter("rows_file_bytes"));
}

#[test]
fn the_file_is_written_anew_when_it_has_grown() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    // Each change leaves the ring as the latest of its row.
    let all = changes("a", 300, 6000);
    scene.publish_slowly(all.clone());
    let bases = scene.counter("rows_bases_written");
    assert!((3..40).contains(&bases), "{bases}");
    assert!(scene.counter("rows_file_bytes") < 300_000, "{}", scene.counter("rows_file_bytes"));
    drop(scene);
    assert_eq!(Scene::start(folder.path(), 2000).rows("a"), Some((6000, fold(&all))));
}

#[test]
fn a_row_that_was_deleted_does_not_return() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    let mut all = changes("a", 50, 50);
    scene.publish_slowly(all.clone());
    scene.publish_slowly(changes("b", 5, 1000));
    let deleted: Vec<Event> = (0..25).map(|n| event("a", &format!("k{n}"), "delete", "")).collect();
    scene.publish_slowly(deleted.clone());
    all.extend(deleted);
    // The deletions are forgotten before they leave the ring.
    scene.snapshots.follower().cache.sweep(LATER, |_| true);
    assert_eq!(scene.all_rows("a"), Some((75, fold(&all))));
    scene.publish_slowly(changes("b", 5, 1000));
    drop(scene);
    for epoch in 2..6 {
        scene_after(&folder, epoch * 1000, &all);
    }
}

/// Starts, checks the rows of topic `a`, and publishes on another topic until the ring has removed everything before.
fn scene_after(folder: &TempDir, epoch: u64, all: &[Event]) {
    let scene = Scene::start(folder.path(), epoch);
    assert_eq!(scene.rows("a"), Some((all.len() as u64, fold(all))));
    let first = scene.first_segment();
    scene.publish_slowly(changes("b", 5, 400));
    assert!(scene.first_segment() > first + 7);
    assert_eq!(scene.rows("a"), Some((all.len() as u64, fold(all))));
}

#[test]
fn an_event_of_another_action_or_of_no_row_costs_no_snapshot_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    let mut all = changes("a", 20, 20);
    all.push(event("a", "k0", "poke", "odd"));
    all.push(event("a", "k1", "", "no action"));
    scene.publish_slowly(all.clone());
    let no_row = Event { table: None, key: None, ..event("a", "", "sync", "") };
    scene.publish_slowly([no_row]);
    scene.publish_slowly(changes("b", 5, 1000));
    drop(scene);
    let scene = Scene::start(folder.path(), 2000);
    assert_eq!(scene.rows("a"), Some((23, fold(&all))));
    let left_out = |number| scene.snapshots.follower().cache.size_of(b"a", number).unwrap().1;
    assert_eq!((left_out(22), left_out(23)), (1, 0), "a subscriber that missed it learns of it");
}

#[test]
fn a_topic_that_lost_its_snapshots_does_not_have_them_again() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    scene.publish_slowly(changes("a", 20, 20));
    scene.publish_slowly(changes("b", 5, 1000));
    scene.lose_last("a");
    scene.work();
    assert_eq!(scene.rows("a"), None);
    scene.publish_slowly(changes("b", 5, 1000));
    drop(scene);
    for epoch in [2000, 3000] {
        let scene = Scene::start(folder.path(), epoch);
        assert_eq!(scene.rows("a"), None);
        assert!(scene.rows("b").is_some());
        scene.publish_slowly(changes("b", 5, 1000));
    }
}

#[test]
fn a_topic_that_needs_more_than_the_bound_has_no_snapshot_after_a_restart_and_others_have() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    let (large, small) = (changes("large", 200, 200), changes("small", 100, 100));
    scene.publish_slowly(small.clone());
    scene.publish_slowly(large);
    scene.publish_slowly(changes("b", 5, 1000));
    drop(scene);
    for epoch in [2000, 3000] {
        let scene = Scene::start_with(folder.path(), epoch, 60_000, 100);
        assert_eq!((scene.rows("large"), scene.rows("small")), (None, Some((100, fold(&small)))));
        scene.publish_slowly(changes("b", 5, 1000));
    }
    let scene = Scene::start(folder.path(), 4000);
    assert_eq!(scene.rows("large"), None, "what came meanwhile is not known");
}

#[test]
fn a_topic_that_was_retired_and_returned_has_no_rows_of_before() {
    let folder = TempDir::new().unwrap();
    let few = |epoch| Scene::start_with(folder.path(), epoch, 1 << 20, 3);
    let scene = few(1000);
    scene.publish_slowly(changes("a", 20, 20));
    for name in ["b", "c", "d", "e"] {
        scene.publish_slowly(changes(name, 5, 300));
    }
    // It begins above all retired ones.
    scene.publish_slowly(changes("a", 1, 1));
    assert_eq!(scene.rows("a"), None);
    scene.publish_slowly(changes("e", 5, 1000));
    drop(scene);
    for epoch in [2000, 3000] {
        let scene = few(epoch);
        assert_eq!(scene.rows("a"), None);
        scene.publish_slowly(changes("e", 5, 1000));
    }
}

#[test]
fn a_topic_that_was_retired_before_a_kill_and_returned_after_it_has_no_rows_of_before() {
    let folder = TempDir::new().unwrap();
    let few = |epoch| Scene::start_with(folder.path(), epoch, 1 << 20, 3);
    let scene = few(1000);
    scene.publish_slowly(changes("a", 20, 20));
    scene.publish_slowly(changes("b", 5, 1000));
    // It is retired, and the file does not have that yet.
    for name in ["c", "d"] {
        scene.publish(&changes(name, 1, 1));
    }
    drop(scene);
    let scene = few(2000);
    assert_eq!(scene.rows_start(), RowsStart::Recovered);
    assert_eq!(scene.rows("a"), None);
    scene.publish_slowly(changes("a", 3, 3));
    scene.publish_slowly(changes("d", 5, 1000));
    assert_eq!(scene.rows("a"), None);
    drop(scene);
    assert_eq!(few(3000).rows("a"), None);
}

#[test]
fn a_ring_that_goes_on_without_compaction_makes_the_file_invalid() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    scene.publish_slowly(changes("a", 20, 20));
    scene.publish_slowly(changes("b", 5, 500));
    drop(scene);
    // As a service does that makes no snapshots.
    let scene = Scene::start(folder.path(), 2000);
    changes("b", 5, 1000).iter().for_each(|event| drop(scene.publish(std::slice::from_ref(event))));
    drop(scene);
    let scene = Scene::start(folder.path(), 3000);
    assert_eq!(scene.rows_start(), RowsStart::Refused("ends_too_early"));
    assert_eq!((scene.rows("a"), scene.rows("b")), (None, None));
}

#[test]
fn a_topic_name_of_any_length_and_a_value_of_any_size_survive() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    let name = "n".repeat(Topic::MAX_BYTES);
    let all: Vec<Event> =
        [0, 1, 700, 3000].map(|size| set(&name, &size.to_string(), &"v".repeat(size))).to_vec();
    scene.publish_slowly(all.clone());
    scene.publish_slowly(changes("b", 5, 1000));
    drop(scene);
    assert_eq!(Scene::start(folder.path(), 2000).rows(&name), Some((4, fold(&all))));
}
