//! The contract's calls in SQL, each one transaction. The caller has checked the names.

use bytes::Bytes;
use pubsub_api::database::{Entry, RowName, RowPlace, UNIQUE_KEY_TABLE, next_unique_key};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};

use crate::call_error::CallError;
use crate::owned_row::{OwnedRow, OwnedWrite};

/// Runs `changes` in one transaction, which is rolled back if they fail. It begins as a write transaction: one that
/// becomes a writer later could not wait for others.
pub(crate) fn in_transaction<T>(
    connection: &mut Connection,
    changes: impl FnOnce(&Transaction<'_>) -> Result<T, CallError>,
) -> Result<T, CallError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = changes(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// The same, and the result is synced to the disk at the end, unlike that of other transactions.
pub(crate) fn in_synced_transaction<T>(
    connection: &mut Connection,
    changes: impl FnOnce(&Transaction<'_>) -> Result<T, CallError>,
) -> Result<T, CallError> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let done = in_transaction(connection, changes);
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    done
}

/// Notes that the table exists, also without rows. Does nothing if it is noted.
pub(crate) fn create_table(transaction: &Transaction<'_>, table: &str) -> Result<(), CallError> {
    transaction.prepare_cached("INSERT OR IGNORE INTO tables (name) VALUES (?1)")?.execute([table])?;
    Ok(())
}

/// Deletes all rows of a table, and the note that it exists.
pub(crate) fn delete_table(transaction: &Transaction<'_>, table: &str) -> Result<(), CallError> {
    transaction.prepare_cached("DELETE FROM rows WHERE table_name = ?1")?.execute([table])?;
    transaction.prepare_cached("DELETE FROM tables WHERE name = ?1")?.execute([table])?;
    Ok(())
}

/// A number that changes with every commit of another connection.
pub(crate) fn data_version(connection: &Connection) -> Result<u64, CallError> {
    let version: i64 = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
    Ok(version.unsigned_abs())
}

/// The names of the tables that were created or have rows, sorted.
pub(crate) fn tables(connection: &Connection) -> Result<Vec<String>, CallError> {
    let mut select = connection
        .prepare_cached("SELECT name FROM tables UNION SELECT table_name FROM rows ORDER BY name")?;
    let names = select.query_map((), |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Writes a row. Without `overwrite`, a row of this name must not exist.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`](pubsub_api::ErrorKind::AlreadyExists) if it exists.
pub(crate) fn create(
    transaction: &Transaction<'_>,
    row: RowName<'_>,
    value: &[u8],
    overwrite: bool,
) -> Result<(), CallError> {
    if !overwrite && exact(transaction, row)?.is_some() {
        return Err(row.already_exists().into());
    }
    put(transaction, row, value)
}

/// Replaces the value of a row; without a topic, of the only row with its key.
///
/// # Errors
/// [`ErrorKind::NotFound`](pubsub_api::ErrorKind::NotFound) if there is none;
/// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if several rows have the key.
pub(crate) fn set(transaction: &Transaction<'_>, row: RowName<'_>, value: &[u8]) -> Result<(), CallError> {
    let id = find(transaction, row)?;
    transaction.prepare_cached("UPDATE rows SET value = ?2 WHERE id = ?1")?.execute((id, value))?;
    Ok(())
}

/// Deletes a row; without a topic, the only row with its key.
///
/// # Errors
/// As [`set`].
pub(crate) fn delete(transaction: &Transaction<'_>, row: RowName<'_>) -> Result<(), CallError> {
    let id = find(transaction, row)?;
    transaction.prepare_cached("DELETE FROM rows WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// The value of the row; without a topic, of the only row with its key.
pub(crate) fn get(connection: &Connection, row: RowName<'_>) -> Result<Option<Bytes>, CallError> {
    let RowName { table, key, topic } = row;
    if topic.is_some() {
        return exact(connection, row);
    }
    let mut select =
        connection.prepare_cached("SELECT value FROM rows WHERE table_name = ?1 AND key = ?2 LIMIT 2")?;
    let mut values = select.query_map((table, key), value)?;
    match (values.next().transpose()?, values.next().transpose()?) {
        (_, Some(_)) => Err(row.ambiguous().into()),
        (found, None) => Ok(found),
    }
}

/// The values of these rows at one moment, in the order of `rows`; `None` for a row that does not exist.
pub(crate) fn get_batch(
    connection: &mut Connection,
    rows: &[OwnedRow],
) -> Result<Vec<Option<Bytes>>, CallError> {
    // One transaction, so that all values are from one moment.
    let transaction = connection.transaction()?;
    rows.iter().map(|row| get(&transaction, row.name())).collect()
}

/// Writes (`Some`) or deletes (`None`) a row if its value is `expected`; returns whether it was. `None` expects that the row
/// does not exist. The topic is used exactly as given.
pub(crate) fn compare_and_set(
    transaction: &Transaction<'_>,
    row: RowName<'_>,
    expected: Option<&[u8]>,
    new: Option<&[u8]>,
) -> Result<bool, CallError> {
    if exact(transaction, row)?.as_deref() != expected {
        return Ok(false);
    }
    match new {
        Some(value) => put(transaction, row, value)?,
        None => remove(transaction, row)?,
    }
    Ok(true)
}

/// The rows of a table, on one topic or on all, in no order.
pub(crate) fn entries(
    connection: &Connection,
    table: &str,
    topic: Option<&str>,
) -> Result<Vec<Entry>, CallError> {
    let entry =
        |row: &Row<'_>| Ok(Entry { place: place(row)?, value: Bytes::from(row.get::<_, Vec<u8>>(2)?) });
    list(connection, "SELECT key, topic, value FROM rows WHERE table_name = ?1", table, topic, entry)
}

/// The places of the rows of a table, on one topic or on all, in no order.
pub(crate) fn keys(
    connection: &Connection,
    table: &str,
    topic: Option<&str>,
) -> Result<Vec<RowPlace>, CallError> {
    list(connection, "SELECT key, topic FROM rows WHERE table_name = ?1", table, topic, place)
}

/// Applies writes in order. A deletion of a row that does not exist does nothing.
pub(crate) fn write(transaction: &Transaction<'_>, writes: &[OwnedWrite]) -> Result<(), CallError> {
    writes.iter().try_for_each(|write| match write {
        OwnedWrite::Put(row, value) => put(transaction, row.name(), value),
        OwnedWrite::Delete(row) => remove(transaction, row.name()),
    })
}

/// The next number of a table. It is synced to the disk before it is returned: a number that is allocated twice cannot be
/// repaired.
pub(crate) fn allocate(connection: &mut Connection, table: &str) -> Result<u64, CallError> {
    in_synced_transaction(connection, |transaction| {
        let row = RowName::new(UNIQUE_KEY_TABLE, table);
        let next = next_unique_key(table, exact(transaction, row)?.as_deref())?;
        put(transaction, row, next.to_string().as_bytes())?;
        Ok(next)
    })
}

/// The value of this row; the topic is used exactly as given.
fn exact(connection: &Connection, row: RowName<'_>) -> Result<Option<Bytes>, CallError> {
    let mut select = connection
        .prepare_cached("SELECT value FROM rows WHERE table_name = ?1 AND topic = ?2 AND key = ?3")?;
    Ok(select.query_row(named(row), value).optional()?)
}

/// The id of the row; without a topic, of the only row with its key.
fn find(transaction: &Transaction<'_>, row: RowName<'_>) -> Result<i64, CallError> {
    let RowName { table, key, topic } = row;
    let id = |row: &Row<'_>| row.get(0);
    if topic.is_some() {
        let mut select = transaction
            .prepare_cached("SELECT id FROM rows WHERE table_name = ?1 AND topic = ?2 AND key = ?3")?;
        return select.query_row(named(row), id).optional()?.ok_or_else(|| row.not_found().into());
    }
    let mut select =
        transaction.prepare_cached("SELECT id FROM rows WHERE table_name = ?1 AND key = ?2 LIMIT 2")?;
    let mut ids = select.query_map((table, key), id)?;
    match (ids.next().transpose()?, ids.next().transpose()?) {
        (None, _) => Err(row.not_found().into()),
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(row.ambiguous().into()),
    }
}

fn put(transaction: &Transaction<'_>, row: RowName<'_>, value: &[u8]) -> Result<(), CallError> {
    let (table, topic, key) = named(row);
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO rows (table_name, topic, key, value) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (table_name, topic, key) DO UPDATE SET value = excluded.value",
    )?;
    upsert.execute((table, topic, key, value))?;
    Ok(())
}

fn remove(transaction: &Transaction<'_>, row: RowName<'_>) -> Result<(), CallError> {
    let mut delete =
        transaction.prepare_cached("DELETE FROM rows WHERE table_name = ?1 AND topic = ?2 AND key = ?3")?;
    delete.execute(named(row))?;
    Ok(())
}

fn list<T>(
    connection: &Connection,
    select: &str,
    table: &str,
    topic: Option<&str>,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, CallError> {
    let of_topic = if topic.is_some() { " AND topic = ?2" } else { "" };
    let mut select = connection.prepare_cached(&format!("{select}{of_topic}"))?;
    let rows = match topic {
        Some(topic) => select.query_map((table, topic), read)?.collect::<Result<_, _>>(),
        None => select.query_map([table], read)?.collect(),
    };
    Ok(rows?)
}

/// The columns that identify a row; no topic is stored as an empty one.
fn named(row: RowName<'_>) -> (&str, &str, &str) {
    let RowName { table, key, topic } = row;
    (table, topic.unwrap_or_default(), key)
}

fn value(row: &Row<'_>) -> rusqlite::Result<Bytes> {
    Ok(Bytes::from(row.get::<_, Vec<u8>>(0)?))
}

fn place(row: &Row<'_>) -> rusqlite::Result<RowPlace> {
    let (key, topic): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(RowPlace { key, topic: Some(topic).filter(|topic| !topic.is_empty()) })
}
