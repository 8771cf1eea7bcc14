use std::fs;
use std::path::Path;

use pubsub_api::Event;
use tempfile::TempDir;

use super::scene::{RowsByKey, Scene, copy, event, fold, ring_folder, rows_file, set};
use crate::publisher::ring::folder::Folder;
use crate::publisher::sync::compaction::compaction_metrics::RowsStart;

/// A file with a base, what was retained later, and a deletion; and what the topic `a` has.
fn killed(folder: &Path) -> (u64, RowsByKey) {
    let rows = |round: usize, from, to| {
        (from..to).map(move |n| set("a", &format!("k{n}"), &format!("{round} {n}"))).collect::<Vec<Event>>()
    };
    let others = |count: usize| (0..count).map(|n| set("b", &format!("k{}", n % 3), &"v".repeat(200)));
    let mut all = rows(0, 0, 12);
    Scene::start(folder, 1000).publish_slowly(all.iter().cloned().chain(others(300)));
    // A base with rows.
    fs::remove_file(rows_file(folder)).unwrap();
    fs::remove_dir_all(ring_folder(folder)).unwrap();
    let scene = Scene::start(folder, 2000);
    scene.publish(&all);
    while !rows_file(folder).exists() {
        scene.round();
    }
    scene.publish_slowly(others(300));
    let more: Vec<Event> = rows(1, 0, 4).into_iter().chain([event("a", "k7", "delete", "")]).collect();
    scene.publish_slowly(more.iter().cloned().chain(others(300)));
    all.extend(more);
    assert!(scene.first_segment() > 10);
    (all.len() as u64, fold(&all))
}

/// What a start makes of a copy of the folder with this rows file.
fn after(folder: &Path, copied: &Path, rows: &[u8]) -> (RowsStart, Option<(u64, RowsByKey)>) {
    copy(folder, copied);
    fs::write(rows_file(copied), rows).unwrap();
    let scene = Scene::start(copied, 3000);
    (scene.rows_start(), scene.rows("a"))
}

#[test]
fn a_file_that_is_cut_anywhere_makes_all_rows_or_none() {
    let (folder, copied) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let whole = killed(folder.path());
    let rows = fs::read(rows_file(folder.path())).unwrap();
    let mut complete = 0;
    for length in (0..rows.len()).step_by(3).chain([rows.len()]) {
        let (start, found) = after(folder.path(), copied.path(), &rows[..length]);
        assert_eq!(start == RowsStart::Recovered, found.is_some(), "{length}: {start:?}");
        assert!(found.as_ref().is_none_or(|found| *found == whole), "{length} of {}: {found:?}", rows.len());
        complete += usize::from(found.is_some());
    }
    assert!((2..rows.len() / 3).contains(&complete), "{complete} of {}", rows.len());
}

#[test]
fn a_file_with_a_changed_bit_makes_all_rows_or_none() {
    let (folder, copied) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let whole = killed(folder.path());
    let rows = fs::read(rows_file(folder.path())).unwrap();
    let mut refused = 0;
    for at in (0..rows.len()).step_by(5) {
        let mut changed = rows.clone();
        changed[at] ^= 1 << (at % 8);
        let (start, found) = after(folder.path(), copied.path(), &changed);
        assert!(found.as_ref().is_none_or(|found| *found == whole), "byte {at} of {}: {found:?}", rows.len());
        if let RowsStart::Refused(_) = start {
            refused += 1;
            assert_eq!(fs::read(ring_folder(copied.path()).join("rows-refused")).unwrap(), changed);
        }
    }
    assert!(refused * 10 > rows.len(), "{refused} of {}", rows.len());
}

#[test]
fn a_file_that_was_cut_is_continued() {
    let (folder, copied) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let whole = killed(folder.path());
    let rows = fs::read(rows_file(folder.path())).unwrap();
    for cut in 1..20 {
        copy(folder.path(), copied.path());
        fs::write(rows_file(copied.path()), &rows[..rows.len() - cut]).unwrap();
        for epoch in [3000, 4000, 5000] {
            let scene = Scene::start(copied.path(), epoch);
            assert_eq!(scene.rows_start(), RowsStart::Recovered);
            assert_eq!(scene.rows("a"), Some(whole.clone()), "{cut} bytes, epoch {epoch}");
            scene.publish_slowly((0..400).map(|n| set("b", &format!("k{}", n % 3), &"v".repeat(200))));
        }
    }
}

#[test]
fn a_file_of_another_ring_publisher_or_version_is_refused() {
    let (folder, copied) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    killed(folder.path());
    let rows = fs::read(rows_file(folder.path())).unwrap();
    let cause = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = rows.clone();
        change(&mut changed);
        after(folder.path(), copied.path(), &changed).0
    };
    assert_eq!(cause(&|rows| rows[0] = b'X'), RowsStart::Refused("no_rows"));
    assert_eq!(cause(&|rows| rows[8] = 2), RowsStart::Refused("version"));
    assert_eq!(cause(&|rows| rows[16] ^= 1), RowsStart::Refused("foreign_publisher"));
    assert_eq!(cause(&Vec::clear), RowsStart::Refused("unreadable"));
    assert_eq!(cause(&|_| {}), RowsStart::Recovered);

    // The ring was lost, and has begun again.
    copy(folder.path(), copied.path());
    for entry in fs::read_dir(ring_folder(copied.path())).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("segment-") {
            fs::remove_file(path).unwrap();
        }
    }
    let scene = Scene::start(copied.path(), 3000);
    assert_eq!(scene.rows_start(), RowsStart::Refused("another_ring"));
    assert_eq!(scene.rows("a"), None);
}

/// The ring was lost, and the new one has as many segments as the file says.
#[test]
fn a_file_of_a_ring_that_was_lost_is_refused_also_if_the_new_ring_has_gone_on() {
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    killed(folder.path());
    let scene = Scene::start(other.path(), 3000);
    scene.publish_slowly((0..400).map(|n| set("a", &format!("k{}", n % 3), &"v".repeat(200))));
    drop(scene);
    fs::copy(rows_file(folder.path()), rows_file(other.path())).unwrap();
    let scene = Scene::start(other.path(), 4000);
    assert_eq!(scene.rows_start(), RowsStart::Refused("another_ring"));
    assert_eq!(scene.rows("a"), None);
}

#[test]
fn what_an_interrupted_base_left_is_removed() {
    let folder = TempDir::new().unwrap();
    let whole = killed(folder.path());
    let left = ring_folder(folder.path()).join("rows-new");
    fs::copy(rows_file(folder.path()), &left).unwrap();
    assert_eq!(Scene::start(folder.path(), 3000).rows("a"), Some(whole));
    assert!(!left.exists());
}

#[test]
fn a_folder_that_the_ring_has_left_is_not_written_to() {
    let folder = TempDir::new().unwrap();
    killed(folder.path());
    let scene = Scene::start(folder.path(), 3000);
    scene.work();
    let rows = fs::read(rows_file(folder.path())).unwrap();
    let folder_of_ring = scene.sequencer.lock().ring.folder().cloned().unwrap();
    scene.sequencer.lock().ring.leave(&folder_of_ring);
    drop(folder_of_ring);
    scene.publish_slowly((0..400).map(|n| set("b", &format!("k{}", n % 3), &"v".repeat(200))));
    assert_eq!(fs::read(rows_file(folder.path())).unwrap(), rows);
    // It is free for another publisher.
    drop(Folder::open(folder.path(), super::scene::PUBLISHER).unwrap());
}
