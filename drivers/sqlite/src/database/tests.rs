use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use pubsub_api::ErrorKind;
use pubsub_api::database::{DbApi, MAX_VALUE_BYTES, RowName, Write};
use tempfile::TempDir;

use super::SqliteDatabase;
use crate::call_error::CallError;
use crate::settings::SqliteSettings;

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

/// Pages of 4 KiB, a few more than the empty tables need.
const SMALL_DISK_PAGES: u32 = 64;

async fn database(folder: &Path) -> SqliteDatabase {
    let path = folder.join("northbound.sqlite");
    let database = SqliteDatabase::new(SqliteSettings { path, busy_timeout: Duration::from_secs(20) });
    database.initialize().await.unwrap();
    database
}

/// A database on a disk that is nearly full from SQLite's view: it fails with `SQLITE_FULL` in the same places.
async fn on_small_disk() -> (TempDir, SqliteDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    limit(&database, SMALL_DISK_PAGES).await;
    (folder, database)
}

async fn limit(database: &SqliteDatabase, pages: u32) {
    let limit = move |file: &mut rusqlite::Connection| {
        let limit = format!("PRAGMA max_page_count = {pages}");
        file.query_row(&limit, (), |row| row.get::<_, u32>(0)).map_err(CallError::from)
    };
    assert_eq!(database.threads.write(limit).await.unwrap(), pages);
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_nothing_is_written() {
    let (_folder, database) = on_small_disk().await;
    database.create_key(PORT, "old".into(), false).await.unwrap();
    let large = Bytes::from(vec![b'x'; MAX_VALUE_BYTES]);
    let other = RowName { key: "port-2", ..PORT };
    let batch = [Write::Put(PORT, "new".into()), Write::Delete(PORT), Write::Put(other, large.clone())];
    for refused in [
        database.create_key(other, large.clone(), false).await,
        database.create_key(PORT, large.clone(), true).await,
        database.set_key(PORT, large.clone()).await,
        database.compare_and_set(PORT, Some(b"old"), Some(large)).await.map(drop),
        database.write_batch(&batch).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let text = error.to_string();
        assert!(text.contains("is full; nothing was written"), "{text}");
        assert_eq!(database.get_key(PORT).await.unwrap(), "old");
        assert_eq!(database.get_all_keys("lport", None).await.unwrap().len(), 1);
    }
    assert_eq!(database.status().counter("database_errors", Some("unavailable")), 5);
}

#[tokio::test]
async fn a_full_disk_allocates_no_number_and_numbering_continues_when_there_is_space() {
    let (_folder, database) = on_small_disk().await;
    assert_eq!(database.allocate_unique_key("lport").await.unwrap(), 1);
    let mut key = 0_u32;
    let fill = loop {
        key += 1;
        let value = Bytes::from(vec![b'x'; 1000]);
        if let Err(error) = database.create_key(RowName::new("fill", &key.to_string()), value, false).await {
            break error;
        }
    };
    assert_eq!(fill.kind(), ErrorKind::Unavailable);
    // Counters need space too: a page holds the counters of several tables.
    let mut numbers = 0_u32;
    let refused = loop {
        numbers += 1;
        let table = format!("{}{numbers}", "t".repeat(200));
        if let Err(error) = database.allocate_unique_key(&table).await {
            break error;
        }
    };
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(refused.to_string().contains("is full"), "{refused}");
    limit(&database, 10 * SMALL_DISK_PAGES).await;
    let table = format!("{}{numbers}", "t".repeat(200));
    assert_eq!(database.allocate_unique_key(&table).await.unwrap(), 1, "a failed call allocated nothing");
    assert_eq!(database.allocate_unique_key("lport").await.unwrap(), 2);
}

#[tokio::test]
async fn unique_numbers_are_synced_and_other_writes_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let synchronous = |file: &mut rusqlite::Connection| {
        file.query_row("PRAGMA synchronous", (), |row| row.get::<_, u32>(0)).map_err(CallError::from)
    };
    let (normal, full) = (1, 2);
    assert_eq!(database.threads.write(synchronous).await.unwrap(), normal);
    let during = |file: &mut rusqlite::Connection| {
        crate::rows::in_synced_transaction(file, |transaction| {
            Ok(transaction.query_row("PRAGMA synchronous", (), |row| row.get(0))?)
        })
    };
    assert_eq!(database.threads.write::<u32>(during).await.unwrap(), full);
    assert_eq!(database.threads.write(synchronous).await.unwrap(), normal);
}

#[tokio::test]
async fn every_lookup_uses_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    for (condition, index) in [
        (
            "table_name = 't' AND topic = 'a' AND key = 'k'",
            "rows_by_topic (table_name=? AND topic=? AND key=?)",
        ),
        ("table_name = 't' AND key = 'k' LIMIT 2", "rows_by_key (table_name=? AND key=?)"),
        ("table_name = 't' AND topic = 'a'", "rows_by_topic (table_name=? AND topic=?)"),
        ("table_name = 't'", "(table_name=?)"),
    ] {
        let plan = move |file: &mut rusqlite::Connection| {
            let explain = format!("EXPLAIN QUERY PLAN SELECT value FROM rows WHERE {condition}");
            file.query_row(&explain, (), |row| row.get::<_, String>(3)).map_err(CallError::from)
        };
        let plan = database.threads.read(plan).await.unwrap();
        assert!(plan.contains("USING INDEX") && plan.contains(index), "{condition}: {plan}");
    }
}

#[tokio::test]
async fn the_connection_for_reads_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let write = |file: &mut rusqlite::Connection| Ok(file.execute("DELETE FROM rows", ())?);
    assert!(database.threads.read(write).await.is_err());
}
