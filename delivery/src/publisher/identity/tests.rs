use std::fs;
use std::os::unix::fs::symlink;

use tempfile::tempdir;

use super::{Identity, IdentitySource, kept_id, publisher_key};
use crate::publisher::ring::folder::Folder;

const BEFORE: &str = "id-of-the-old-host-name";
const NOW: &str = "id-of-the-new-host-name";

#[test]
fn the_id_of_the_first_start_stays_under_another_host_name() {
    let state_dir = tempdir().unwrap();
    let first = Identity::choose(None, BEFORE, state_dir.path());
    assert_eq!((first.id(), first.source()), (BEFORE, IdentitySource::Derived));
    kept_id::write(state_dir.path(), first.id()).unwrap();
    drop(Folder::open(state_dir.path(), publisher_key(BEFORE)).unwrap());
    let moved = Identity::choose(None, NOW, state_dir.path());
    assert_eq!((moved.id(), moved.source(), moved.replaced()), (BEFORE, IdentitySource::Kept, None));
    assert!(moved.foreign_rings().is_empty());
}

#[test]
fn a_set_id_wins_and_the_ring_of_the_kept_one_is_reported() {
    let state_dir = tempdir().unwrap();
    kept_id::write(state_dir.path(), BEFORE).unwrap();
    drop(Folder::open(state_dir.path(), publisher_key(BEFORE)).unwrap());
    let set = Identity::choose(Some("api-1"), NOW, state_dir.path());
    assert_eq!((set.id(), set.source(), set.replaced()), ("api-1", IdentitySource::Set, Some(BEFORE)));
    assert_eq!(set.foreign_rings(), [format!("ring-{:016x}", publisher_key(BEFORE))]);
}

#[test]
fn a_ring_of_a_program_that_kept_no_id_is_continued_or_reported() {
    let state_dir = tempdir().unwrap();
    drop(Folder::open(state_dir.path(), publisher_key(BEFORE)).unwrap());
    let same = Identity::choose(None, BEFORE, state_dir.path());
    assert_eq!((same.id(), same.foreign_rings().len()), (BEFORE, 0));
    let moved = Identity::choose(None, NOW, state_dir.path());
    assert_eq!((moved.id(), moved.foreign_rings().len()), (NOW, 1));
}

#[test]
fn two_publishers_can_share_a_folder() {
    let state_dir = tempdir().unwrap();
    kept_id::write(state_dir.path(), BEFORE).unwrap();
    let running = Folder::open(state_dir.path(), publisher_key(BEFORE)).unwrap();
    let second = Identity::choose(None, NOW, state_dir.path());
    assert_eq!((second.id(), second.source()), (NOW, IdentitySource::Derived));
    assert!(second.foreign_rings().is_empty(), "the other one runs");
    drop(Folder::open(state_dir.path(), publisher_key(NOW)).unwrap());
    drop(running);
    let alone = Identity::choose(None, NOW, state_dir.path());
    assert_eq!(alone.id(), NOW, "its own ring has its id");
}

#[test]
fn a_file_without_an_id_is_ignored_and_a_link_is_not_followed() {
    let state_dir = tempdir().unwrap();
    let file = state_dir.path().join("publisher-id");
    for text in ["", "\n", "no end", "two\nlines\n", "esc\u{1b}[31m\n", &"x".repeat(5000)] {
        fs::write(&file, text).unwrap();
        assert_eq!(Identity::choose(None, NOW, state_dir.path()).id(), NOW, "{text:?}");
    }
    fs::remove_file(&file).unwrap();
    let elsewhere = state_dir.path().join("elsewhere");
    fs::write(&elsewhere, "planted\n").unwrap();
    symlink(&elsewhere, &file).unwrap();
    symlink(&elsewhere, state_dir.path().join("publisher-id.new")).unwrap();
    assert_eq!(kept_id::read(state_dir.path()), None);
    kept_id::write(state_dir.path(), "api-1").unwrap();
    assert_eq!(kept_id::read(state_dir.path()).as_deref(), Some("api-1"));
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "planted\n");
}
