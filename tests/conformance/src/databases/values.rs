//! What a row may hold, and that it comes back as it went in.

use bytes::Bytes;
use pubsub_api::ErrorKind;
use pubsub_api::database::{MAX_VALUE_BYTES, RowName, Write};

use super::database_case::database_case;
use super::expectation::{create, fails, holds};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(values_of_any_bytes_come_back_as_they_went_in),
    database_case!(the_largest_value_comes_back),
    database_case!(a_value_of_one_byte_more_is_refused_before_anything_is_done),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

/// "Its value is bytes, and comes back as it went in", by whatever call.
async fn values_of_any_bytes_come_back_as_they_went_in(fixture: DatabaseFixture) -> Outcome {
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
        ensure!(swapped, "{value:x?} stands there, so it must be compared as equal");
        let swapped = database.compare_and_set(PORT, Some(b"between"), Some(bytes.clone())).await?;
        ensure!(swapped, "what was written stands there, so it must be compared as equal");
        holds(&*database, PORT, value).await?;
        database.write_batch(&[Write::Delete(PORT), Write::Put(PORT, bytes.clone())]).await?;
        let batch = database.get_batch(&[PORT]).await?;
        ensure!(batch == [Some(bytes.clone())], "{bytes:?} was written, and {batch:?} came");
        let entries = database.get_all_entries("lport", None).await?;
        ensure!(
            entries.iter().all(|entry| entry.value == bytes),
            "{bytes:?} was written; it lists {entries:?}"
        );
        database.delete_key(PORT).await?;
    }
    Ok(())
}

/// "At most `MAX_VALUE_BYTES`."
async fn the_largest_value_comes_back(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let value: Bytes = (0..=u8::MAX).cycle().take(MAX_VALUE_BYTES).collect();
    create(&*database, PORT, value.clone()).await?;
    holds(&*database, PORT, &value).await?;
    database.set_key(PORT, "small".into()).await?;
    database.set_key(PORT, value.clone()).await?;
    let swapped = database.compare_and_set(PORT, Some(&value), Some(value.clone())).await?;
    ensure!(swapped, "the largest value must be compared as equal with itself");
    let keys = ["port-2", "port-3", "port-4", "port-5"];
    let writes = keys.map(|key| Write::Put(RowName { key, ..PORT }, value.clone()));
    database.write_batch(&writes).await?;
    let entries = database.get_all_entries("lport", Some("tenant-1")).await?;
    let right = entries.iter().filter(|entry| entry.value == value).count();
    ensure!(right == 5, "five largest values were written, and {right} came back");
    Ok(())
}

/// "Values that are too large are refused before anything is done", by every call that takes one.
async fn a_value_of_one_byte_more_is_refused_before_anything_is_done(fixture: DatabaseFixture) -> Outcome {
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
    ensure!(keys == 1, "nothing may have been done, and there are {keys} rows");
    holds(&*database, PORT, "old").await
}
