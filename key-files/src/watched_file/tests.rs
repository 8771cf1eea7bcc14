use std::fs::{Permissions, remove_file, rename, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Secrecy, WatchedFile};

fn put(path: &Path, text: &str) {
    write(path, text).unwrap();
    set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn number(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| "it is no number".to_owned())
}

/// A file, the time at which it is looked at, and the number that counts.
struct Scene {
    file: WatchedFile<u32>,
    now: Instant,
    number: u32,
}

impl Scene {
    fn open(path: &Path) -> Self {
        let (file, number) = WatchedFile::open(path, Secrecy::Secret, 9, number, "it stays").unwrap();
        Self { file, now: Instant::now(), number }
    }

    fn look(&mut self) -> u32 {
        self.now += WatchedFile::<u32>::LOOK;
        self.number = self.file.refresh(self.now).unwrap_or(self.number);
        self.number
    }

    /// Looks until a change counts, which is two looks.
    fn settle(&mut self) -> u32 {
        self.look();
        self.look()
    }
}

#[test]
fn a_change_is_seen_and_what_cannot_be_read_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("file"), folder.path().join("other"));
    put(&path, "1");
    let mut scene = Scene::open(&path);
    assert_eq!(scene.settle(), 1);
    put(&other, "2");
    rename(&other, &path).unwrap();
    assert_eq!(scene.settle(), 2);
    for wrong in ["x", "1234567890"] {
        put(&path, wrong);
        assert_eq!(scene.settle(), 2, "{wrong}");
    }
    remove_file(&path).unwrap();
    assert_eq!(scene.settle(), 2);
    put(&path, "3");
    assert_eq!(scene.settle(), 3);
    put(&path, "4");
    set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(scene.settle(), 3);
}

#[test]
fn a_file_that_is_being_written_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    put(&path, "1");
    let mut scene = Scene::open(&path);
    put(&path, "2");
    assert_eq!(scene.look(), 1);
    put(&path, "33");
    assert_eq!(scene.look(), 1, "it changes with every look");
    assert_eq!(scene.look(), 33, "it is settled");
}

#[test]
fn a_change_counts_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    put(&path, "1");
    let mut scene = Scene::open(&path);
    scene.look();
    let changed = scene.now;
    put(&path, "2");
    while scene.number == 1 {
        scene.now += Duration::from_millis(10);
        scene.number = scene.file.refresh(scene.now).unwrap_or(scene.number);
    }
    assert!(scene.now - changed < Duration::from_secs(1), "{:?}", scene.now - changed);
}

#[test]
fn who_may_read_and_write_a_file_is_checked_and_no_pipe_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    put(&path, "1");
    let open = |secrecy| WatchedFile::open(&path, secrecy, 9, number, "").map(|(_, number)| number);
    for (mode, secrecy, is_good) in [
        (0o600, Secrecy::Secret, true),
        (0o644, Secrecy::Secret, false),
        (0o620, Secrecy::Secret, false),
        (0o644, Secrecy::Public, true),
        (0o664, Secrecy::Public, false),
    ] {
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(open(secrecy).is_ok(), is_good, "{mode:o} {secrecy:?}");
    }
    remove_file(&path).unwrap();
    mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    assert_eq!(open(Secrecy::Secret), Err("it is not a file".to_owned()));
}
