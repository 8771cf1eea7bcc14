use pubsub_api::{Error, ErrorKind};
use rusqlite::{Connection, TransactionBehavior};

use crate::call_error::CallError;

/// The application id in the header of our files: `SkNB`.
const APPLICATION_ID: i32 = 0x536b_4e42;

/// The version of the tables below, kept in `user_version`.
const VERSION: i32 = 1;

/// Rows keep their rowid, because values are large. A row without topic has an empty one, which no topic is. One index
/// finds a row and the rows of a topic, the other a key on any topic.
const TABLES: &str = "
    CREATE TABLE rows (
        id INTEGER PRIMARY KEY,
        table_name TEXT NOT NULL,
        topic TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX rows_by_topic ON rows (table_name, topic, key);
    CREATE INDEX rows_by_key ON rows (table_name, key);
    CREATE TABLE tables (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
";

/// The kind of a file, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileKind {
    Empty,
    Ours,
}

/// Checks that the file is one of our databases, and makes an empty file one. Refuses any other file and does not change it.
pub(crate) fn prepare(connection: &mut Connection) -> Result<(), CallError> {
    // In one transaction: another process may initialize the file between two queries.
    let kind = inspect(&*connection.transaction()?)?;
    write_ahead(connection)?;
    if kind == FileKind::Empty {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        if inspect(&transaction)? == FileKind::Empty {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

fn inspect(connection: &Connection) -> Result<FileKind, CallError> {
    let number = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i32>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    match (application, version) {
        (APPLICATION_ID, VERSION) => Ok(FileKind::Ours),
        (APPLICATION_ID, newer) => Err(refused(format!(
            "its tables have version {newer}, and this program supports {VERSION}: upgrade this program"
        ))),
        (0, 0) if number("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(FileKind::Empty),
        _ => Err(refused("it is the database of another program".to_owned())),
    }
}

fn refused(why: String) -> CallError {
    let text = format!("{why}; or name another file in drivers.sqlite.path");
    Error::new(ErrorKind::Settings, text).into()
}

/// Readers and a writer do not wait for each other (<https://www.sqlite.org/wal.html>).
fn write_ahead(connection: &Connection) -> Result<(), CallError> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode != "wal" {
        let text = format!(
            "it supports only journal mode {mode}, not WAL: put it on a disk of this host (drivers.sqlite.path)"
        );
        return Err(Error::new(ErrorKind::Unavailable, text).into());
    }
    Ok(())
}
