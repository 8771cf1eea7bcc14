//! Tables, and listings of their rows.

use std::collections::BTreeSet;

use bytes::Bytes;
use pubsub_api::database::{RowName, Write};

use super::database_case::database_case;
use super::expectation::{create, is_absent, lists};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(a_table_without_rows_is_empty_whether_it_was_created_or_not),
    database_case!(a_table_lists_all_its_rows_and_no_others),
    database_case!(creating_a_table_again_keeps_its_rows),
    database_case!(deleting_a_table_deletes_its_rows_on_every_topic_and_no_others),
    database_case!(tables_with_rows_are_listed_once_and_sorted),
    database_case!(a_table_of_many_rows_is_listed_and_deleted_completely),
];

/// Cases 37 and 38: listings are empty before and after create_table.
async fn a_table_without_rows_is_empty_whether_it_was_created_or_not(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for _ in 0..2 {
        lists(&*database, "lport", None, &[]).await?;
        lists(&*database, "lport", Some("tenant-1"), &[]).await?;
        database.create_table("lport").await?;
    }
    Ok(())
}

/// Cases 37 and 38: then complete. Tables whose names share a prefix or differ in case are different.
async fn a_table_lists_all_its_rows_and_no_others(fixture: DatabaseFixture) -> Outcome {
    const TABLES: &[&str] =
        &["lport", "lport2", "lpor", "LPORT", "l-port", "l_port", "l", "0", "unique_key2"];
    let database = fixture.database().await?;
    for table in TABLES {
        for topic in [None, Some("tenant-1"), Some("tenant-10")] {
            create(&*database, RowName::new(table, &format!("of {topic:?}")).on(topic), *table).await?;
        }
    }
    for table in TABLES {
        let (plain, one, ten) = (
            RowName::new(table, "of None"),
            RowName::new(table, "of Some(\"tenant-1\")").on("tenant-1"),
            RowName::new(table, "of Some(\"tenant-10\")").on("tenant-10"),
        );
        lists(&*database, table, None, &[(plain, table), (one, table), (ten, table)]).await?;
        lists(&*database, table, Some("tenant-1"), &[(one, table)]).await?;
        lists(&*database, table, Some("tenant"), &[]).await?;
    }
    Ok(())
}

/// `create_table` is idempotent.
async fn creating_a_table_again_keeps_its_rows(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let row = RowName::new("lport", "port-1").on("tenant-1");
    create(&*database, row, "one").await?;
    for _ in 0..3 {
        database.create_table("lport").await?;
        lists(&*database, "lport", None, &[(row, "one")]).await?;
    }
    Ok(())
}

/// Case 35: `delete_table` deletes all rows of a table, on all topics, and may be repeated.
async fn deleting_a_table_deletes_its_rows_on_every_topic_and_no_others(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let key = RowName::new("lport", "port-1");
    let other = RowName::new("lport2", "port-1").on("tenant-1");
    create(&*database, other, "other").await?;
    for _ in 0..2 {
        for row in [key, key.on("tenant-1"), key.on("tenant-2")] {
            create(&*database, row, "one").await?;
        }
        for _ in 0..2 {
            database.delete_table("lport").await?;
            is_absent(&*database, key).await?;
            lists(&*database, "lport", None, &[]).await?;
        }
        let tables = database.tables().await?;
        ensure!(tables == ["lport2"], "only `lport2` must be left, but the tables are {tables:?}");
    }
    database.delete_table("never_there").await?;
    lists(&*database, "lport2", None, &[(other, "other")]).await
}

/// `tables` returns the existing tables, sorted.
async fn tables_with_rows_are_listed_once_and_sorted(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let tables = database.tables().await?;
    ensure!(tables.is_empty(), "an empty database must have no tables, but has {tables:?}");
    for table in ["lport", "Lport", "a", "lport-2", "0"] {
        for topic in [None, Some("tenant-1"), Some("tenant-2")] {
            create(&*database, RowName::new(table, "k").on(topic), "v").await?;
        }
    }
    database.allocate_unique_key("lport").await?;
    let tables = database.tables().await?;
    let wanted = ["0", "Lport", "a", "lport", "lport-2", "unique_key"];
    ensure!(tables == wanted, "the tables must be {wanted:?}, but are {tables:?}");
    Ok(())
}

/// More rows than a driver reads at a time.
async fn a_table_of_many_rows_is_listed_and_deleted_completely(fixture: DatabaseFixture) -> Outcome {
    const ROWS: usize = 3000;
    let database = fixture.database().await?;
    let keys: Vec<String> = (0..ROWS).map(|number| format!("port-{number}")).collect();
    let topics = ["tenant-1", "tenant-2", "tenant-3"];
    let rows: Vec<RowName<'_>> = keys
        .iter()
        .zip(topics.iter().cycle())
        .map(|(key, topic)| RowName::new("lport", key).on(*topic))
        .collect();
    let writes: Vec<Write<'_>> =
        rows.iter().map(|row| Write::Put(*row, Bytes::copy_from_slice(row.key.as_bytes()))).collect();
    database.write_batch(&writes).await?;
    let entries = database.get_all_entries("lport", None).await?;
    let listed: BTreeSet<_> = entries.iter().map(|entry| (&entry.place.key, &entry.value)).collect();
    ensure!(
        entries.len() == ROWS && listed.len() == ROWS,
        "{ROWS} rows must be listed once each, but {} are, {} of them different",
        entries.len(),
        listed.len()
    );
    let on_topic = database.get_all_keys("lport", Some("tenant-2")).await?.len();
    ensure!(on_topic == ROWS / 3, "a third of {ROWS} rows is on the topic, but {on_topic} are listed");
    let values = database.get_batch(&rows).await?;
    let right = values.iter().zip(&rows).filter(|(value, row)| value.as_deref() == Some(row.key.as_bytes()));
    ensure!(values.len() == ROWS && right.count() == ROWS, "every row must be in the batch, in its place");
    database.delete_table("lport").await?;
    lists(&*database, "lport", None, &[]).await
}
