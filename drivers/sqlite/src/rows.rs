//! The contract's calls in SQL, each one transaction. Names are checked before.

use bytes::Bytes;
use pubsub_api::database::{Entry, RowName, RowPlace, UNIQUE_KEY_TABLE, next_unique_key};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};

use crate::failure::Failed;
use crate::owned_row::{OwnedRow, OwnedWrite};

/// Does `changes` in one transaction, or nothing if they fail. It begins as a writer: one that became so later could not
/// wait for others.
pub(crate) fn in_one_step<T>(
    connection: &mut Connection,
    changes: impl FnOnce(&Transaction<'_>) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = changes(&step)?;
    step.commit()?;
    Ok(done)
}

/// The same, and what was done is on the disk at the end, unlike that of other steps.
pub(crate) fn in_synced_step<T>(
    connection: &mut Connection,
    changes: impl FnOnce(&Transaction<'_>) -> Result<T, Failed>,
) -> Result<T, Failed> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let done = in_one_step(connection, changes);
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    done
}

pub(crate) fn create_table(step: &Transaction<'_>, table: &str) -> Result<(), Failed> {
    step.prepare_cached("INSERT OR IGNORE INTO tables (name) VALUES (?1)")?.execute([table])?;
    Ok(())
}

pub(crate) fn delete_table(step: &Transaction<'_>, table: &str) -> Result<(), Failed> {
    step.prepare_cached("DELETE FROM rows WHERE table_name = ?1")?.execute([table])?;
    step.prepare_cached("DELETE FROM tables WHERE name = ?1")?.execute([table])?;
    Ok(())
}

/// What other connections have committed, as a number that each time is another.
pub(crate) fn data_version(connection: &Connection) -> Result<u64, Failed> {
    let version: i64 = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
    Ok(version.unsigned_abs())
}

pub(crate) fn tables(connection: &Connection) -> Result<Vec<String>, Failed> {
    let mut select = connection
        .prepare_cached("SELECT name FROM tables UNION SELECT table_name FROM rows ORDER BY name")?;
    let names = select.query_map((), |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

pub(crate) fn create(
    step: &Transaction<'_>,
    row: RowName<'_>,
    value: &[u8],
    overwrite: bool,
) -> Result<(), Failed> {
    if !overwrite && exact(step, row)?.is_some() {
        return Err(row.already_exists().into());
    }
    put(step, row, value)
}

pub(crate) fn set(step: &Transaction<'_>, row: RowName<'_>, value: &[u8]) -> Result<(), Failed> {
    let id = find(step, row)?;
    step.prepare_cached("UPDATE rows SET value = ?2 WHERE id = ?1")?.execute((id, value))?;
    Ok(())
}

pub(crate) fn delete(step: &Transaction<'_>, row: RowName<'_>) -> Result<(), Failed> {
    let id = find(step, row)?;
    step.prepare_cached("DELETE FROM rows WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// What the row holds; without a topic, the one row of its key.
pub(crate) fn get(connection: &Connection, row: RowName<'_>) -> Result<Option<Bytes>, Failed> {
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

pub(crate) fn get_batch(
    connection: &mut Connection,
    rows: &[OwnedRow],
) -> Result<Vec<Option<Bytes>>, Failed> {
    // One transaction, so that all are of one moment.
    let step = connection.transaction()?;
    rows.iter().map(|row| get(&step, row.name())).collect()
}

pub(crate) fn compare_and_set(
    step: &Transaction<'_>,
    row: RowName<'_>,
    expected: Option<&[u8]>,
    new: Option<&[u8]>,
) -> Result<bool, Failed> {
    if exact(step, row)?.as_deref() != expected {
        return Ok(false);
    }
    match new {
        Some(value) => put(step, row, value)?,
        None => remove(step, row)?,
    }
    Ok(true)
}

pub(crate) fn entries(
    connection: &Connection,
    table: &str,
    topic: Option<&str>,
) -> Result<Vec<Entry>, Failed> {
    let entry =
        |row: &Row<'_>| Ok(Entry { place: place(row)?, value: Bytes::from(row.get::<_, Vec<u8>>(2)?) });
    list(connection, "SELECT key, topic, value FROM rows WHERE table_name = ?1", table, topic, entry)
}

pub(crate) fn keys(
    connection: &Connection,
    table: &str,
    topic: Option<&str>,
) -> Result<Vec<RowPlace>, Failed> {
    list(connection, "SELECT key, topic FROM rows WHERE table_name = ?1", table, topic, place)
}

pub(crate) fn write(step: &Transaction<'_>, writes: &[OwnedWrite]) -> Result<(), Failed> {
    writes.iter().try_for_each(|write| match write {
        OwnedWrite::Put(row, value) => put(step, row.name(), value),
        OwnedWrite::Delete(row) => remove(step, row.name()),
    })
}

/// The next number of a table; on the disk before it is given: nobody could repair that it is given twice.
pub(crate) fn allocate(connection: &mut Connection, table: &str) -> Result<u64, Failed> {
    in_synced_step(connection, |step| {
        let row = RowName::new(UNIQUE_KEY_TABLE, table);
        let next = next_unique_key(table, exact(step, row)?.as_deref())?;
        put(step, row, next.to_string().as_bytes())?;
        Ok(next)
    })
}

/// What stands in this row, its topic taken as it is named.
fn exact(connection: &Connection, row: RowName<'_>) -> Result<Option<Bytes>, Failed> {
    let mut select = connection
        .prepare_cached("SELECT value FROM rows WHERE table_name = ?1 AND topic = ?2 AND key = ?3")?;
    Ok(select.query_row(named(row), value).optional()?)
}

/// The row that is there; without a topic, the one row of its key.
fn find(step: &Transaction<'_>, row: RowName<'_>) -> Result<i64, Failed> {
    let RowName { table, key, topic } = row;
    let id = |row: &Row<'_>| row.get(0);
    if topic.is_some() {
        let mut select =
            step.prepare_cached("SELECT id FROM rows WHERE table_name = ?1 AND topic = ?2 AND key = ?3")?;
        return select.query_row(named(row), id).optional()?.ok_or_else(|| row.not_found().into());
    }
    let mut select = step.prepare_cached("SELECT id FROM rows WHERE table_name = ?1 AND key = ?2 LIMIT 2")?;
    let mut ids = select.query_map((table, key), id)?;
    match (ids.next().transpose()?, ids.next().transpose()?) {
        (None, _) => Err(row.not_found().into()),
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(row.ambiguous().into()),
    }
}

fn put(step: &Transaction<'_>, row: RowName<'_>, value: &[u8]) -> Result<(), Failed> {
    let (table, topic, key) = named(row);
    let mut upsert = step.prepare_cached(
        "INSERT INTO rows (table_name, topic, key, value) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (table_name, topic, key) DO UPDATE SET value = excluded.value",
    )?;
    upsert.execute((table, topic, key, value))?;
    Ok(())
}

fn remove(step: &Transaction<'_>, row: RowName<'_>) -> Result<(), Failed> {
    let mut delete =
        step.prepare_cached("DELETE FROM rows WHERE table_name = ?1 AND topic = ?2 AND key = ?3")?;
    delete.execute(named(row))?;
    Ok(())
}

fn list<T>(
    connection: &Connection,
    select: &str,
    table: &str,
    topic: Option<&str>,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Failed> {
    let of_topic = if topic.is_some() { " AND topic = ?2" } else { "" };
    let mut select = connection.prepare_cached(&format!("{select}{of_topic}"))?;
    let rows = match topic {
        Some(topic) => select.query_map((table, topic), read)?.collect::<Result<_, _>>(),
        None => select.query_map([table], read)?.collect(),
    };
    Ok(rows?)
}

/// The columns that name a row exactly; no topic is an empty one there.
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
