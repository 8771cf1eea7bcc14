//! What operators read in the log.

use std::time::Instant;

use captured_log::CapturedLog;
use pubsub_api::{CauseCounter, ErrorKind};
use rusqlite::Connection;

use crate::opened::{PORT, initialized, says};

#[tokio::test]
async fn opening_is_logged_and_errors_at_most_once_a_second() {
    let log = CapturedLog::begin();
    let folder = tempfile::tempdir().unwrap();
    let database = initialized(folder.path(), &["drivers.sqlite.busy_timeout=10ms"]).await;
    let path = folder.path().join("northbound.sqlite");
    let opened = format!(
        "INFO drivers_sqlite::threads: opened the SQLite database id=\"SK0801\" path={}\n",
        path.display()
    );
    assert!(log.text().ends_with(&opened), "{}", log.text());
    database.create_key(PORT, "old".into(), false).await.unwrap();
    // A mistake of the caller is not logged.
    says(
        &database.create_key(PORT, "x".into(), false).await.unwrap_err(),
        ErrorKind::AlreadyExists,
        "already",
    );
    assert_eq!(log.warnings(), Vec::<String>::new());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (mut refused, began) = (0, Instant::now());
    while log.warnings().len() < 2 {
        let error = database.set_key(PORT, "secret value".into()).await.unwrap_err();
        says(&error, ErrorKind::Unavailable, "nothing was written");
        refused += 1;
    }
    let warnings = log.warnings();
    let says = |place: usize, times: usize| {
        let line = &warnings[place];
        let end = format!(" times={times}");
        line.contains("a call to the SQLite database failed: ")
            && line.contains("nothing was written")
            && line.ends_with(&end)
    };
    assert!(says(0, 1), "the first is logged at once: {warnings:?}");
    assert!(says(1, refused - 1), "then the number since, of {refused}: {warnings:?}");
    assert!(began.elapsed() >= CauseCounter::LOG_INTERVAL, "the second came too soon: {warnings:?}");
    assert!(!log.text().contains("secret value"), "{warnings:?}");
}
