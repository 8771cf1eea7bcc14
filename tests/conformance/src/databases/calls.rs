use bytes::Bytes;
use pubsub_api::Result;
use pubsub_api::database::{DbApi, RowName, Write};

/// The name and the result of a call.
pub(super) type Ended = (&'static str, Result<()>);

/// Every call with one row.
pub(super) async fn row_calls(database: &dyn DbApi, row: RowName<'_>) -> Vec<Ended> {
    let value = || Bytes::from_static(b"new");
    let writes = [Write::Put(row, value()), Write::Delete(row)];
    let mut ended = vec![
        ("create_key", database.create_key(row, value(), false).await),
        ("create_key with overwrite", database.create_key(row, value(), true).await),
        ("set_key", database.set_key(row, value()).await),
        ("get_key", database.get_key(row).await.map(drop)),
        ("delete_key", database.delete_key(row).await),
        ("compare_and_set", database.compare_and_set(row, None, Some(value())).await.map(drop)),
        ("compare_and_set to none", database.compare_and_set(row, Some(b"new"), None).await.map(drop)),
        ("get_batch", database.get_batch(&[row]).await.map(drop)),
    ];
    for (name, write) in ["write_batch with a put", "write_batch with a delete"].into_iter().zip(writes) {
        ended.push((name, database.write_batch(&[write]).await));
    }
    ended
}

/// Every call with the rows of a table, on one topic or on all.
pub(super) async fn list_calls(database: &dyn DbApi, table: &str, topic: Option<&str>) -> Vec<Ended> {
    vec![
        ("get_all_entries", database.get_all_entries(table, topic).await.map(drop)),
        ("get_all_keys", database.get_all_keys(table, topic).await.map(drop)),
    ]
}

/// Every call with a whole table.
pub(super) async fn table_calls(database: &dyn DbApi, table: &str) -> Vec<Ended> {
    vec![
        ("create_table", database.create_table(table).await),
        ("allocate_unique_key", database.allocate_unique_key(table).await.map(drop)),
        ("delete_table", database.delete_table(table).await),
    ]
}
