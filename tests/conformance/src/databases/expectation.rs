use std::fmt::Debug;

use bytes::Bytes;
use pubsub_api::ErrorKind;
use pubsub_api::database::{DbApi, RowName, RowPlace};

use crate::Outcome;
use crate::check::ensure;

/// Asserts that a call failed with this kind.
pub(super) fn fails<T: Debug>(
    kind: ErrorKind,
    what: impl Into<String>,
    ended: pubsub_api::Result<T>,
) -> Outcome {
    match ended {
        Err(error) if error.kind() == kind => Ok(()),
        Ok(done) => Err(format!("{} must be `{kind:?}`, but returned {done:?}", what.into()).into()),
        Err(error) => {
            Err(format!("{} must be `{kind:?}`, but was `{:?}`: {error}", what.into(), error.kind()).into())
        }
    }
}

/// Creates a row that does not exist.
pub(super) async fn create(
    database: &dyn DbApi,
    row: RowName<'_>,
    value: impl Into<Bytes>,
) -> pubsub_api::Result<()> {
    database.create_key(row, value.into(), false).await
}

/// Asserts that the row exists and has this value.
pub(super) async fn holds(database: &dyn DbApi, row: RowName<'_>, value: impl AsRef<[u8]>) -> Outcome {
    let found = database.get_key(row).await?;
    let value = Bytes::copy_from_slice(value.as_ref());
    ensure!(found == value, "{row} must hold {value:.99?}, but holds {found:.99?}");
    Ok(())
}

/// Asserts that the row does not exist.
pub(super) async fn is_absent(database: &dyn DbApi, row: RowName<'_>) -> Outcome {
    fails(ErrorKind::NotFound, format!("getting {row}, which does not exist,"), database.get_key(row).await)
}

/// Asserts that both listings return exactly these rows of the table, on that topic or on all.
pub(super) async fn lists(
    database: &dyn DbApi,
    table: &str,
    topic: Option<&str>,
    rows: &[(RowName<'_>, &str)],
) -> Outcome {
    let mut wanted: Vec<(RowPlace, Bytes)> = rows
        .iter()
        .map(|(row, value)| {
            let place = RowPlace { key: row.key.to_owned(), topic: row.topic.map(str::to_owned) };
            (place, Bytes::copy_from_slice(value.as_bytes()))
        })
        .collect();
    wanted.sort();
    let entries = database.get_all_entries(table, topic).await?;
    let mut found: Vec<_> = entries.into_iter().map(|entry| (entry.place, entry.value)).collect();
    found.sort();
    ensure!(found == wanted, "the entries of {table} on {topic:?} must be {wanted:?}, but are {found:?}");
    let mut keys = database.get_all_keys(table, topic).await?;
    keys.sort();
    let wanted: Vec<_> = wanted.into_iter().map(|(place, _)| place).collect();
    ensure!(keys == wanted, "the keys of {table} on {topic:?} must be {wanted:?}, but are {keys:?}");
    Ok(())
}
