//! The folder of the rows file cannot be written to, or is deleted.

use std::fs;

use tempfile::TempDir;

use super::scene::{PUBLISHER, Scene, fold, ring_folder, rows_file, set};
use crate::publisher::ring::ring_return::RingReturn;
use pubsub_api::Event;

fn changes(topic: &str, rows: usize, count: usize) -> Vec<Event> {
    (0..count).map(|n| set(topic, &format!("k{}", n % rows), &"v".repeat(200))).collect()
}

#[test]
fn a_ring_that_was_in_memory_has_its_rows_in_the_folder_again() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    let rare = changes("a", 20, 20);
    scene.publish_slowly(rare.clone());
    fs::remove_dir_all(ring_folder(folder.path())).unwrap();
    let gone = scene.sequencer.lock().ring.folder().cloned().unwrap();
    scene.sequencer.lock().ring.leave(&gone);
    drop(gone);
    scene.publish_slowly(changes("b", 5, 1000));
    assert!(!rows_file(folder.path()).exists());
    let back = RingReturn::begin(folder.path(), PUBLISHER).unwrap();
    back.finish(&mut scene.sequencer.lock().ring).unwrap();
    scene.work();
    assert!(rows_file(folder.path()).exists());
    drop(scene);
    assert_eq!(Scene::start(folder.path(), 2000).rows("a"), Some((20, fold(&rare))));
}

#[test]
fn a_failed_write_is_counted_and_snapshots_continue() {
    let folder = TempDir::new().unwrap();
    let scene = Scene::start(folder.path(), 1000);
    // A folder in the place of the file.
    fs::create_dir(ring_folder(folder.path()).join("rows-new")).unwrap();
    let rare = changes("a", 20, 20);
    scene.publish_slowly(rare.clone());
    scene.publish_slowly(changes("b", 5, 1000));
    assert_eq!(scene.counter("rows_write_failures"), 1, "it is not tried again at once");
    assert_eq!(scene.rows("a"), Some((20, fold(&rare))));
    assert!(!rows_file(folder.path()).exists());
}
