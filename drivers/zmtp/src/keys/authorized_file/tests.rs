use std::fs::{Permissions, remove_file, rename, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use key_files::WatchedFile;
use pubsub_api::Result;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::AuthorizedFile;
use crate::keys::write_key_file;
use crate::protocol::curve::{PublicKey, SecretKey};

fn key() -> PublicKey {
    SecretKey::generate().unwrap().public()
}

fn put(path: &Path, text: &str) {
    write(path, text).unwrap();
    set_permissions(path, Permissions::from_mode(0o644)).unwrap();
}

fn open(path: &Path) -> Result<AuthorizedFile> {
    let key_file = path.with_extension("key");
    if !key_file.exists() {
        write_key_file(&key_file).unwrap();
    }
    AuthorizedFile::open(&key_file, path)
}

/// A file and the time at which it is looked at.
struct Scene {
    file: AuthorizedFile,
    now: Instant,
}

impl Scene {
    fn open(path: &Path) -> Self {
        let file = open(path).unwrap();
        Self { file, now: Instant::now() }
    }

    fn look(&mut self) {
        self.now += WatchedFile::<()>::LOOK;
        self.file.refresh(self.now);
    }

    /// Looks until a change counts, which is two looks.
    fn settle(&mut self) {
        self.look();
        self.look();
    }

    fn knows(&self, key: &PublicKey) -> bool {
        self.file.keys().authorized().get(key).is_some()
    }
}

#[test]
fn a_change_is_seen_and_what_cannot_be_read_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("agents"), folder.path().join("other"));
    let (one, two) = (key(), key());
    put(&path, &format!("one {one}\n"));
    let mut scene = Scene::open(&path);
    scene.settle();
    assert!(scene.knows(&one) && !scene.knows(&two));
    put(&other, &format!("one {one}\ntwo {two}\n"));
    rename(&other, &path).unwrap();
    scene.settle();
    assert!(scene.knows(&two));
    put(&path, &format!("one {one}\nbroken\n"));
    scene.settle();
    assert!(scene.knows(&two), "the last valid one counts");
    remove_file(&path).unwrap();
    scene.settle();
    assert!(scene.knows(&two));
    put(&path, &format!("two {two}\n"));
    scene.settle();
    assert!(!scene.knows(&one) && scene.knows(&two));
    set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    scene.settle();
    assert!(scene.knows(&two));
}

#[test]
fn a_file_that_is_being_written_disconnects_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agents");
    let (one, two) = (key(), key());
    put(&path, &format!("one {one}\ntwo {two}\n"));
    let mut scene = Scene::open(&path);
    put(&path, "");
    scene.look();
    put(&path, &format!("one {one}\n"));
    scene.look();
    assert!(scene.knows(&one) && scene.knows(&two), "it changes with every look");
    scene.look();
    assert!(scene.knows(&one) && !scene.knows(&two), "it is settled");
}

#[test]
fn a_change_counts_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agents");
    put(&path, &format!("one {}\n", key()));
    let mut scene = Scene::open(&path);
    scene.look();
    let changed = scene.now;
    put(&path, "");
    while !scene.file.keys().authorized().is_empty() {
        scene.now += Duration::from_millis(10);
        scene.file.refresh(scene.now);
    }
    assert!(scene.now - changed < Duration::from_secs(1), "{:?}", scene.now - changed);
}

#[test]
fn what_is_no_file_is_refused_without_waiting_for_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agents");
    mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let error = open(&path).unwrap_err();
    assert!(error.to_string().contains("it is not a file"), "{error}");
}

#[test]
fn a_key_that_was_replaced_counts_for_later_handshakes_and_the_agents_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key_file) = (folder.path().join("agents"), folder.path().join("agents.key"));
    let agent = key();
    put(&path, &format!("one {agent}\n"));
    let mut scene = Scene::open(&path);
    scene.settle();
    let (first, during) = (scene.file.keys().public(), scene.file.keys());
    remove_file(&key_file).unwrap();
    scene.settle();
    assert_eq!(scene.file.keys().public(), first, "what cannot be read changes nothing");
    let second = write_key_file(&key_file).unwrap();
    scene.settle();
    assert_eq!(scene.file.keys().public(), second);
    assert_eq!(during.public(), first, "a handshake that began before ends with its key");
    assert!(scene.knows(&agent));
}
