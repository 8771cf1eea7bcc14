//! A disk of half a MiB that only this test has: a `tmpfs` in its own mount namespace.

use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use pubsub_api::ErrorKind;
use pubsub_api::database::{DbApi, RowName, Write};

use crate::open;

/// Bytes that fill the disk and are freed later.
const BALLAST: usize = 128 * 1024;

/// Runs [`on_small_disk`] in a namespace where it may mount.
pub(crate) fn in_own_mounts() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=512k none "$2" && exec "$1" on-small-disk "$2""#;
    let mut child = Command::new("unshare");
    // Also its own user namespace, in which it may mount without being root.
    child.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    child.arg(std::env::current_exe().unwrap()).arg(folder.path());
    let ended = child.output().expect("unshare of util-linux: run tests/setup");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        ended.status.success(),
        "on a disk of its own (the kernel must allow this user to mount: try `unshare --map-root-user \
         --mount true`, as root if it fails): {said}"
    );
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "the disk was visible to others");
}

/// Uses a disk that becomes full, then read-only, then writable again.
pub(crate) async fn on_small_disk(folder: &Path) {
    let written = is_filled(folder).await;
    is_read_only(folder, written).await;
    has_no_room_for_a_file(folder).await;
}

async fn is_filled(folder: &Path) -> usize {
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; BALLAST]).unwrap();
    let database = open(folder);
    database.initialize().await.unwrap();
    let mut written = 0;
    let refused = loop {
        let key = written.to_string();
        match database.create_key(RowName::new("lport", &key), value(&key), false).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(written > 10, "there was space for only {written} rows");
    says_full(&refused);
    let batch: Vec<String> = (0..100).map(|number| format!("batch-{number}")).collect();
    let puts = batch.iter().map(|key| Write::Put(RowName::new("lport", key), value(key)));
    let first = RowName::new("lport", "0");
    let writes: Vec<_> = std::iter::once(Write::Delete(first)).chain(puts).collect();
    says_full(&database.write_batch(&writes).await.unwrap_err());
    has_all(&*database, written).await;
    fs::remove_file(&ballast).unwrap();
    // The same instance, as soon as there is space.
    let key = written.to_string();
    database.create_key(RowName::new("lport", &key), value(&key), false).await.unwrap();
    database.close().await.unwrap();
    written + 1
}

/// No user, not even root, can write there.
async fn is_read_only(folder: &Path, written: usize) {
    remount(folder, "ro");
    let database = open(folder);
    let error = database.initialize().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.to_string().contains("must be able to write") || error.to_string().contains("cannot write"),
        "{error}"
    );
    remount(folder, "rw");
    database.initialize().await.unwrap();
    has_all(&*database, written).await;
    database.set_key(RowName::new("lport", "0"), value("0")).await.unwrap();
    database.close().await.unwrap();
}

async fn has_no_room_for_a_file(folder: &Path) {
    for file in fs::read_dir(folder).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; 512 * 1024]).unwrap();
    let database = open(folder);
    let error = database.initialize().await.unwrap_err();
    says_full(&error);
    fs::remove_file(&ballast).unwrap();
    database.initialize().await.unwrap();
    database.create_key(RowName::new("lport", "0"), value("0"), false).await.unwrap();
    has_all(&*database, 1).await;
}

fn value(key: &str) -> Bytes {
    Bytes::from(format!("{key} ").repeat(1000 / (key.len() + 1)))
}

async fn has_all(database: &dyn DbApi, written: usize) {
    let entries = database.get_all_entries("lport", None).await.unwrap();
    assert_eq!(entries.len(), written, "exactly the confirmed rows are there");
    for entry in entries {
        assert_eq!(entry.value, value(&entry.place.key), "{}", entry.place.key);
    }
}

#[track_caller]
fn says_full(error: &pubsub_api::Error) {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("is full; nothing was written"), "{error}");
}

fn remount(folder: &Path, how: &str) {
    let mounted = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(folder).status().unwrap();
    assert!(mounted.success(), "remount {how}");
}
