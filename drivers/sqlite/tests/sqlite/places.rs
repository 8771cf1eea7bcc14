use std::fs;
use std::path::Path;

use pubsub_api::ErrorKind;

use crate::opened::{PORT, initialized, open, refusal, says};

#[tokio::test]
async fn a_missing_folder_is_unavailable_and_the_same_instance_opens_it_once_it_exists() {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("missing");
    let database = open(&state_dir, &[]);
    let error = refusal(&*database).await;
    says(&error, ErrorKind::Unavailable, "its folder");
    says(&error, ErrorKind::Unavailable, "create it, or name another");
    assert!(!state_dir.exists());
    let call = database.get_key(PORT).await.unwrap_err();
    says(&call, ErrorKind::Unavailable, "is not open yet: call initialize first");
    fs::create_dir(&state_dir).unwrap();
    database.initialize().await.unwrap();
    database.create_key(PORT, "one".into(), false).await.unwrap();
}

/// No user, not even root, can create files in `/proc`.
#[tokio::test]
async fn a_folder_that_is_not_writable_is_unavailable() {
    let database = open(Path::new("/proc"), &[]);
    says(
        &refusal(&*database).await,
        ErrorKind::Unavailable,
        "this user must be able to write it and its folder /proc",
    );
}

#[tokio::test]
async fn a_folder_instead_of_the_file_or_a_file_instead_of_its_folder_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("northbound.sqlite")).unwrap();
    says(&refusal(&*open(folder.path(), &[])).await, ErrorKind::Unavailable, "it is a folder; name a file");
    fs::write(folder.path().join("file"), "").unwrap();
    let inside = open(&folder.path().join("file"), &[]);
    says(&refusal(&*inside).await, ErrorKind::Unavailable, "is not a folder");
}

#[tokio::test]
async fn a_relative_path_is_in_state_dir_whatever_it_looks_like() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    for name in ["other.db", "sub/other.db", ":memory:", "file:x?mode=memory", "a b%20c#d"] {
        let set = format!("drivers.sqlite.path={name}");
        let database = initialized(folder.path(), &[&set]).await;
        database.create_key(PORT, name.to_owned().into(), false).await.unwrap();
        database.close().await.unwrap();
        assert!(folder.path().join(name).is_file(), "{name}");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let set = format!("drivers.sqlite.path={}", folder.path().join(":memory:").display());
    assert_eq!(initialized(elsewhere.path(), &[&set]).await.get_key(PORT).await.unwrap(), ":memory:");
}
