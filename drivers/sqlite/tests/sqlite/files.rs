use std::fs;

use pubsub_api::ErrorKind;
use rusqlite::Connection;

use crate::opened::{PORT, initialized, open, refusal, says};

#[tokio::test]
async fn a_file_that_is_not_a_database_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("northbound.sqlite");
    for content in ["no database, but long enough to be one\n".repeat(100), "short".to_owned()] {
        fs::write(&path, &content).unwrap();
        let database = open(folder.path(), &[]);
        for _ in 0..2 {
            says(&refusal(&*database).await, ErrorKind::Settings, "is not a database: name another file");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("northbound.sqlite");
    for foreign in ["CREATE TABLE rows (a)", "PRAGMA user_version = 1", "PRAGMA application_id = 7"] {
        Connection::open(&path).unwrap().execute_batch(foreign).unwrap();
        let before = fs::read(&path).unwrap();
        let database = open(folder.path(), &[]);
        says(&refusal(&*database).await, ErrorKind::Settings, "it is the database of another program");
        assert_eq!(fs::read(&path).unwrap(), before, "{foreign}");
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn a_newer_version_is_refused_with_both_versions_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let database = initialized(folder.path(), &[]).await;
    database.create_key(PORT, "one".into(), false).await.unwrap();
    database.close().await.unwrap();
    let path = folder.path().join("northbound.sqlite");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = fs::read(&path).unwrap();
    let error = refusal(&*open(folder.path(), &[])).await;
    says(
        &error,
        ErrorKind::Settings,
        "its tables have version 2, and this program supports 1: upgrade this program",
    );
    says(&error, ErrorKind::Settings, &path.display().to_string());
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_database_is_reported_and_not_read_as_empty() {
    let folder = tempfile::tempdir().unwrap();
    let database = initialized(folder.path(), &[]).await;
    database.create_key(PORT, "one".into(), false).await.unwrap();
    database.close().await.unwrap();
    let path = folder.path().join("northbound.sqlite");
    let mut content = fs::read(&path).unwrap();
    // Everything after the first page, where the tables are.
    content[4096..].fill(0xa5);
    fs::write(&path, content).unwrap();
    let database = initialized(folder.path(), &[]).await;
    let error = database.get_key(PORT).await.unwrap_err();
    says(
        &error,
        ErrorKind::Unavailable,
        "is damaged: stop the programs that use it, and restore it from a backup",
    );
}

#[tokio::test]
async fn an_empty_file_becomes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("northbound.sqlite"), "").unwrap();
    let database = initialized(folder.path(), &[]).await;
    database.create_key(PORT, "one".into(), false).await.unwrap();
}

#[tokio::test]
async fn a_closed_database_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = initialized(folder.path(), &[]).await;
    database.create_key(PORT, "one".into(), false).await.unwrap();
    assert!(folder.path().join("northbound.sqlite-wal").exists());
    database.close().await.unwrap();
    let files: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["northbound.sqlite"]);
}

#[tokio::test]
async fn a_file_that_is_moved_is_unavailable_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let database = initialized(folder.path(), &[]).await;
    database.create_key(PORT, "one".into(), false).await.unwrap();
    let (path, away) = (folder.path().join("northbound.sqlite"), folder.path().join("away"));
    fs::rename(&path, &away).unwrap();
    for _ in 0..2 {
        says(&database.get_key(PORT).await.unwrap_err(), ErrorKind::Unavailable, "is gone");
        let set = database.set_key(PORT, "two".into()).await;
        says(&set.unwrap_err(), ErrorKind::Unavailable, "put it back, or restart the program");
    }
    fs::write(&path, "").unwrap();
    says(
        &database.get_key(PORT).await.unwrap_err(),
        ErrorKind::Unavailable,
        "is not the file that was opened",
    );
    fs::rename(&away, &path).unwrap();
    assert_eq!(database.get_key(PORT).await.unwrap(), "one");
    database.set_key(PORT, "two".into()).await.unwrap();
    database.close().await.unwrap();
    assert_eq!(initialized(folder.path(), &[]).await.get_key(PORT).await.unwrap(), "two");
}
