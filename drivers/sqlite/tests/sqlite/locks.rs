use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::opened::{PORT, initialized, open, says};

/// Another program that holds the file's lock for writes until it is dropped.
fn lock(folder: &Path) -> Connection {
    let other = Connection::open(folder.join("northbound.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[tokio::test]
async fn a_lock_beyond_the_timeout_makes_writes_unavailable_and_reads_continue() {
    let folder = tempfile::tempdir().unwrap();
    let database = initialized(folder.path(), &["drivers.sqlite.busy_timeout=50ms"]).await;
    database.create_key(PORT, "old".into(), false).await.unwrap();
    let lock = lock(folder.path());
    for refused in [
        database.set_key(PORT, "new".into()).await,
        database.delete_key(PORT).await,
        database.create_table("lswitch").await,
        database.allocate_unique_key("lport").await.map(drop),
        database.compare_and_set(PORT, Some(b"old"), None).await.map(drop),
    ] {
        let error = refused.unwrap_err();
        says(&error, ErrorKind::Unavailable, "was locked by another program for 50ms");
        says(&error, ErrorKind::Unavailable, "nothing was written");
    }
    assert_eq!(database.get_key(PORT).await.unwrap(), "old");
    drop(lock);
    database.set_key(PORT, "new".into()).await.unwrap();
    assert_eq!(database.allocate_unique_key("lport").await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_waits_for_a_lock_within_the_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let database = initialized(folder.path(), &[]).await;
    let lock = lock(folder.path());
    let write = tokio::spawn({
        let database = Arc::clone(&database);
        async move { database.create_key(PORT, "one".into(), false).await }
    });
    // Long enough to meet the lock on an idle machine; on a busy one the test only shows less.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!write.is_finished());
    drop(lock);
    write.await.unwrap().unwrap();
    assert_eq!(database.get_key(PORT).await.unwrap(), "one");
}

#[tokio::test]
async fn many_calls_that_wait_for_one_lock_fail_within_one_timeout_and_do_nothing() {
    const CALLS: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let database = initialized(folder.path(), &["drivers.sqlite.busy_timeout=300ms"]).await;
    let lock = lock(folder.path());
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let database = Arc::clone(&database);
        calls.spawn(async move {
            let key = number.to_string();
            database.create_key(RowName::new("lport", &key), "x".into(), false).await
        });
    }
    for ended in calls.join_all().await {
        says(&ended.unwrap_err(), ErrorKind::Unavailable, "nothing was ");
    }
    let took = began.elapsed();
    assert!(took < Duration::from_millis(300) * 20, "one after the other they would take a minute: {took:?}");
    drop(lock);
    database.create_key(PORT, "one".into(), false).await.unwrap();
    assert_eq!(database.get_all_keys("lport", None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn opening_a_locked_new_file_waits_and_then_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let lock = lock(folder.path());
    let database = open(folder.path(), &["drivers.sqlite.busy_timeout=50ms"]);
    let error = database.initialize().await.unwrap_err();
    says(&error, ErrorKind::Unavailable, "was locked by another program for 50ms");
    drop(lock);
    database.initialize().await.unwrap();
    database.create_key(PORT, "one".into(), false).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn a_call_that_waits_does_not_block_the_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let database = initialized(folder.path(), &[]).await;
    let lock = lock(folder.path());
    let write = database.create_key(PORT, "one".into(), false);
    let release = async {
        // Runs only if the write yields.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(database.get_all_keys("lport", None).await.unwrap().is_empty());
        drop(lock);
    };
    tokio::join!(write, release).0.unwrap();
}

/// The switch to WAL mode needs an exclusive lock, and SQLite does not wait for it by itself.
#[tokio::test]
async fn a_new_file_that_is_locked_briefly_is_opened_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    for statement in ["BEGIN; SELECT count(*) FROM sqlite_schema", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        let other = Connection::open(folder.path().join("northbound.sqlite")).unwrap();
        other.execute_batch(statement).unwrap();
        let database = open(folder.path(), &[]);
        let initialize = tokio::spawn({
            let database = Arc::clone(&database);
            async move { database.initialize().await }
        });
        // Long enough to meet the lock on an idle machine; on a busy one the test only shows less.
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(other);
        initialize.await.unwrap().unwrap();
        database.create_key(PORT, "one".into(), false).await.unwrap();
        database.close().await.unwrap();
        std::fs::remove_file(folder.path().join("northbound.sqlite")).unwrap();
    }
}
