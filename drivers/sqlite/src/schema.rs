use pubsub_api::{Error, ErrorKind};
use rusqlite::{Connection, TransactionBehavior};

use crate::failure::Failed;

/// What marks the file as ours in its header: `SkNB`.
const APPLICATION_ID: i32 = 0x536b_4e42;

/// The version of the tables below, kept in `user_version`.
const VERSION: i32 = 1;

/// Rows keep their rowid, since values are large; the topic is empty for none, which no topic is. One index finds a row and
/// the rows of a topic, the other a key on whatever topic.
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

/// What a file is, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Empty,
    Ours,
}

/// Makes sure that the file is a database of ours, and makes it one if it is empty; another one is refused, untouched.
pub(crate) fn prepare(connection: &mut Connection) -> Result<(), Failed> {
    // In one transaction: another process may be making it one between two questions.
    let found = look(&*connection.transaction()?)?;
    write_ahead(connection)?;
    if found == Found::Empty {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been first.
        if look(&step)? == Found::Empty {
            step.execute_batch(TABLES)?;
            step.pragma_update(None, "application_id", APPLICATION_ID)?;
            step.pragma_update(None, "user_version", VERSION)?;
        }
        step.commit()?;
    }
    Ok(())
}

fn look(connection: &Connection) -> Result<Found, Failed> {
    let number = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i32>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    match (application, version) {
        (APPLICATION_ID, VERSION) => Ok(Found::Ours),
        (APPLICATION_ID, newer) => Err(refused(format!(
            "its tables have version {newer}, and this program knows {VERSION}: upgrade this program"
        ))),
        (0, 0) if number("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(Found::Empty),
        _ => Err(refused("it is the database of something else".to_owned())),
    }
}

fn refused(why: String) -> Failed {
    let text = format!("{why}; or name another file in drivers.sqlite.path");
    Error::new(ErrorKind::Settings, text).into()
}

/// Readers and a writer do not wait for each other (<https://www.sqlite.org/wal.html>).
fn write_ahead(connection: &Connection) -> Result<(), Failed> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode != "wal" {
        let text = format!(
            "it cannot be used in WAL mode, but only in {mode}: put it on a disk of this host (drivers.sqlite.path)"
        );
        return Err(Error::new(ErrorKind::Unavailable, text).into());
    }
    Ok(())
}
