//! Valid values, and that they are read as they were written.

use bytes::Bytes;
use pubsub_api::ErrorKind;
use pubsub_api::database::{MAX_VALUE_BYTES, RowName, Write};

use super::database_case::database_case;
use super::expectation::{create, fails, holds};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(values_of_any_bytes_are_read_as_they_were_written),
    database_case!(the_largest_value_is_read_as_it_was_written),
    database_case!(a_value_one_byte_too_large_is_refused_before_anything_is_done),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

/// A value is bytes, and every call reads it as it was written.
async fn values_of_any_bytes_are_read_as_they_were_written(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let values: [&[u8]; 9] =
        [b"", b"\0", b"\xff", b"\xed\xa0\x80", &every, b"1", b" 1 ", b"\r\n", "{\"name\": \"ü\"}".as_bytes()];
    for value in values {
        let bytes = Bytes::copy_from_slice(value);
        create(&*database, PORT, bytes.clone()).await?;
        holds(&*database, PORT, value).await?;
        database.set_key(PORT, "between".into()).await?;
        database.set_key(PORT, bytes.clone()).await?;
        holds(&*database, PORT, value).await?;
        let swapped = database.compare_and_set(PORT, Some(value), Some("between".into())).await?;
        ensure!(swapped, "the row holds {value:x?}, so it must compare as equal");
        let swapped = database.compare_and_set(PORT, Some(b"between"), Some(bytes.clone())).await?;
        ensure!(swapped, "the row holds the written value, so it must compare as equal");
        holds(&*database, PORT, value).await?;
        database.write_batch(&[Write::Delete(PORT), Write::Put(PORT, bytes.clone())]).await?;
        let batch = database.get_batch(&[PORT]).await?;
        ensure!(batch == [Some(bytes.clone())], "{bytes:?} was written, but {batch:?} was read");
        let entries = database.get_all_entries("lport", None).await?;
        ensure!(
            entries.iter().all(|entry| entry.value == bytes),
            "{bytes:?} was written, but the listing has {entries:?}"
        );
        database.delete_key(PORT).await?;
    }
    Ok(())
}

/// A value has at most `MAX_VALUE_BYTES`.
async fn the_largest_value_is_read_as_it_was_written(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let value: Bytes = (0..=u8::MAX).cycle().take(MAX_VALUE_BYTES).collect();
    create(&*database, PORT, value.clone()).await?;
    holds(&*database, PORT, &value).await?;
    database.set_key(PORT, "small".into()).await?;
    database.set_key(PORT, value.clone()).await?;
    let swapped = database.compare_and_set(PORT, Some(&value), Some(value.clone())).await?;
    ensure!(swapped, "the largest value must compare as equal with itself");
    let keys = ["port-2", "port-3", "port-4", "port-5"];
    let writes = keys.map(|key| Write::Put(RowName { key, ..PORT }, value.clone()));
    database.write_batch(&writes).await?;
    let entries = database.get_all_entries("lport", Some("tenant-1")).await?;
    let right = entries.iter().filter(|entry| entry.value == value).count();
    ensure!(right == 5, "five largest values were written, but {right} were read");
    Ok(())
}

/// Every call with a value refuses one that is too large, before it does anything.
async fn a_value_one_byte_too_large_is_refused_before_anything_is_done(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let value = Bytes::from(vec![b'x'; MAX_VALUE_BYTES + 1]);
    let other = RowName { key: "port-2", ..PORT };
    create(&*database, PORT, "old").await?;
    let writes = [Write::Put(other, "new".into()), Write::Put(PORT, value.clone())];
    let ended = [
        ("create_key", database.create_key(other, value.clone(), false).await),
        ("create_key with overwrite", database.create_key(PORT, value.clone(), true).await),
        ("set_key", database.set_key(PORT, value.clone()).await),
        ("compare_and_set", database.compare_and_set(PORT, Some(b"old"), Some(value)).await.map(drop)),
        ("write_batch", database.write_batch(&writes).await),
    ];
    for (call, ended) in ended {
        fails(ErrorKind::Invalid, format!("{call} with one byte too many"), ended)?;
    }
    let keys = database.get_all_keys("lport", None).await?.len();
    ensure!(keys == 1, "nothing may have been written, but {keys} rows exist");
    holds(&*database, PORT, "old").await
}
