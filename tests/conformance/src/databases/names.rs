//! Valid names of tables, keys and topics, and that they have no other meaning.

use bytes::Bytes;
use pubsub_api::ErrorKind;
use pubsub_api::database::{MAX_KEY_BYTES, MAX_TABLE_BYTES, RowName, Write};

use super::calls::{list_calls, row_calls, table_calls};
use super::database_case::database_case;
use super::expectation::{create, fails, holds, is_absent, lists};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(keys_are_plain_names_whatever_they_look_like),
    database_case!(every_call_accepts_every_key_and_affects_only_that_row),
    database_case!(keys_are_compared_bytewise),
    database_case!(the_longest_names_are_valid),
    database_case!(invalid_names_are_refused_before_anything_is_done),
    database_case!(a_batch_with_one_invalid_name_does_nothing),
];

/// Each has a special meaning in some database: glob and hash-tag characters, quotes, separators, line ends, words.
const KEYS: &[&str] = &[
    "*",
    "?",
    "[ab]",
    "[^a]",
    "a",
    "b",
    "a*",
    "{a}",
    "{",
    "}",
    "}.",
    "{lport.}.a",
    "lport.a",
    ".",
    "..",
    "a.b",
    "a/b",
    "/",
    "\\",
    "\\*",
    "'",
    "''",
    "\"",
    "`",
    "a'b; DROP TABLE rows; --",
    "%",
    "_",
    "a%",
    ":",
    "a:b",
    "$a",
    "#",
    "a b",
    " ",
    " a",
    "a ",
    "\n",
    "a\nb",
    "\r\n",
    "\t",
    "\u{1}",
    "\u{7f}",
    "ключ",
    "鍵",
    "🦀",
    "\u{202e}rtl",
    "null",
    "NULL",
    "None",
    "0",
    "-1",
    "+",
    "unique_key",
];

/// A key has 1 to 1024 bytes of any text without NUL (docs/dragonflow.md#d41).
async fn keys_are_plain_names_whatever_they_look_like(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for topic in [Some("tenant-1"), None] {
        let row = |key| RowName::new("lport", key).on(topic);
        for key in KEYS {
            create(&*database, row(key), *key).await?;
        }
        for key in KEYS {
            holds(&*database, row(key), key).await?;
            holds(&*database, RowName::new("lport", key), key).await?;
            database.set_key(RowName::new("lport", key), Bytes::from(key.to_uppercase())).await?;
            holds(&*database, row(key), key.to_uppercase()).await?;
            database.set_key(row(key), (*key).into()).await?;
        }
        let mut left: Vec<_> = KEYS.iter().map(|key| (row(key), *key)).collect();
        lists(&*database, "lport", None, &left).await?;
        while let Some((last, _)) = left.pop() {
            // With its topic and without it in turn.
            let last = if left.len().is_multiple_of(2) { last } else { last.on(None) };
            database.delete_key(last).await?;
            is_absent(&*database, last).await?;
            lists(&*database, "lport", None, &left).await?;
        }
    }
    Ok(())
}

/// The same for calls with several rows or with a condition; other rows stay unchanged.
async fn every_call_accepts_every_key_and_affects_only_that_row(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let row = |key| RowName::new("lport", key).on("tenant-1");
    let rows: Vec<_> = KEYS.iter().map(|key| (row(key), *key)).collect();
    let puts: Vec<_> = rows.iter().map(|(row, key)| Write::Put(*row, (*key).into())).collect();
    database.write_batch(&puts).await?;
    lists(&*database, "lport", Some("tenant-1"), &rows).await?;
    for named in [Some("tenant-1"), None] {
        let asked: Vec<_> = KEYS.iter().map(|key| row(key).on(named)).collect();
        let found = database.get_batch(&asked).await?;
        let wanted: Vec<_> = KEYS.iter().map(|key| Some(Bytes::from(*key))).collect();
        ensure!(found == wanted, "a batch of all keys must return {wanted:?}, but returned {found:?}");
    }
    for key in KEYS {
        let taken = fails(
            ErrorKind::AlreadyExists,
            format!("a second {key:?}"),
            create(&*database, row(key), "x").await,
        );
        taken?;
        let deleted = database.compare_and_set(row(key), Some(key.as_bytes()), None).await?;
        ensure!(deleted, "{key:?} holds {key:?}, but a comparison with that did not delete it");
        is_absent(&*database, row(key)).await?;
        let others: Vec<_> = rows.iter().copied().filter(|(other, _)| other.key != *key).collect();
        lists(&*database, "lport", None, &others).await?;
        let made = database.compare_and_set(row(key), None, Some((*key).into())).await?;
        ensure!(made, "{key:?} does not exist, but was not created");
    }
    let deletes: Vec<_> = KEYS.iter().map(|key| Write::Delete(row(key))).collect();
    database.write_batch(&deletes).await?;
    lists(&*database, "lport", None, &[]).await
}

/// No normalisation, no case folding, no trimming.
async fn keys_are_compared_bytewise(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let keys = ["a", "A", "a ", " a", "ä", "a\u{308}", "Ä", "ﬀ", "ff", "1", "1.0", "01"];
    let rows = keys.map(|key| (RowName::new("lport", key), key));
    for (row, value) in rows {
        create(&*database, row, value).await?;
    }
    for (row, value) in rows {
        holds(&*database, row, value).await?;
    }
    lists(&*database, "lport", None, &rows).await
}

/// The limits are inclusive.
async fn the_longest_names_are_valid(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let (table, topic) = ("t".repeat(MAX_TABLE_BYTES), "ü".repeat(127) + "x");
    let keys = ["k".repeat(MAX_KEY_BYTES), "ü".repeat(MAX_KEY_BYTES / 2)];
    let rows = [RowName::new(&table, &keys[0]).on(topic.as_str()), RowName::new(&table, &keys[1])];
    for row in rows {
        create(&*database, row, "long").await?;
        holds(&*database, row, "long").await?;
    }
    lists(&*database, &table, None, &rows.map(|row| (row, "long"))).await?;
    lists(&*database, &table, Some(&topic), &[(rows[0], "long")]).await?;
    let number = database.allocate_unique_key(&table).await?;
    ensure!(number == 1, "the first number of a table must be 1, but was {number}");
    Ok(())
}

/// Every call refuses names that break the rules of `RowName`, before it does anything.
async fn invalid_names_are_refused_before_anything_is_done(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let (table, key, topic) =
        ("t".repeat(MAX_TABLE_BYTES + 1), "k".repeat(MAX_KEY_BYTES + 1), "t".repeat(256));
    let invalid = |name: String, (call, ended)| fails(ErrorKind::Invalid, format!("{call} of {name}"), ended);
    for table in ["", "a.b", "a b", "{a}", "*", "tä", "a\n", "a'", table.as_str()] {
        let row = RowName::new(table, "k");
        let mut ended = row_calls(&*database, row).await;
        ended.extend(table_calls(&*database, table).await);
        ended.extend(list_calls(&*database, table, None).await);
        ended.into_iter().try_for_each(|ended| invalid(format!("the table {table:?}"), ended))?;
    }
    for key in ["", "a\0b", "\0", key.as_str()] {
        let ended = row_calls(&*database, RowName::new("lport", key)).await;
        ended.into_iter().try_for_each(|ended| invalid(format!("the key {key:?}"), ended))?;
    }
    for topic in ["", "$hello", "$", "a\0b", topic.as_str()] {
        let mut ended = row_calls(&*database, RowName::new("lport", "k").on(topic)).await;
        ended.extend(list_calls(&*database, "lport", Some(topic)).await);
        ended.into_iter().try_for_each(|ended| invalid(format!("the topic {topic:?}"), ended))?;
    }
    let tables = database.tables().await?;
    ensure!(tables.is_empty(), "nothing may have been written, but the tables are {tables:?}");
    Ok(())
}

/// The same for batches with one invalid name at any position.
async fn a_batch_with_one_invalid_name_does_nothing(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let row = RowName::new("lport", "port-1").on("tenant-1");
    create(&*database, row, "old").await?;
    let other = RowName { key: "port-2", ..row };
    for bad in [RowName { key: "", ..row }, row.on("$hello"), RowName { table: "a.b", ..row }] {
        let good = [Write::Put(row, "new".into()), Write::Put(other, "new".into())];
        for at in 0..=good.len() {
            let mut writes = good.to_vec();
            writes.insert(at, Write::Delete(bad));
            fails(ErrorKind::Invalid, format!("a batch with {bad}"), database.write_batch(&writes).await)?;
        }
        fails(ErrorKind::Invalid, format!("reading {bad}"), database.get_batch(&[row, bad]).await)?;
    }
    lists(&*database, "lport", None, &[(row, "old")]).await
}
