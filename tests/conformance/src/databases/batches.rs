//! Several rows in one call.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pubsub_api::database::{RowName, Write};

use super::database_case::database_case;
use super::expectation::{create, holds, is_absent, lists};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(a_batch_is_read_in_order_with_none_for_missing_rows),
    database_case!(a_batch_executes_all_its_writes),
    database_case!(writes_to_one_row_are_executed_in_order),
    database_case!(writes_use_the_topic_exactly_as_given),
    database_case!(empty_batches_succeed_and_change_nothing),
    database_case!(a_cancelled_batch_is_executed_completely_or_not_at_all, needs: ["atomic batches"]),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };
const OTHER: RowName<'static> = RowName { key: "port-2", ..PORT };
const SWITCH: RowName<'static> = RowName { table: "lswitch", topic: None, ..PORT };

/// `get_batch` returns the values of the rows in their order, and `None` for a row that does not exist.
async fn a_batch_is_read_in_order_with_none_for_missing_rows(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    create(&*database, PORT, "one").await?;
    create(&*database, SWITCH, "").await?;
    let absent = RowName { table: "never_there", ..PORT };
    let batch = [OTHER, SWITCH, PORT, absent, PORT, PORT.on("tenant-2"), PORT.on(None)];
    let found = database.get_batch(&batch).await?;
    let wanted = [None, Some(""), Some("one"), None, Some("one"), None, Some("one")];
    ensure!(found == wanted.map(|value| value.map(Bytes::from)), "expected {wanted:?}, got {found:?}");
    Ok(())
}

/// `write_batch` executes all writes: over tables and topics, for rows that exist and that do not.
async fn a_batch_executes_all_its_writes(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    create(&*database, PORT, "old").await?;
    create(&*database, SWITCH, "old").await?;
    let writes = [
        Write::Put(PORT, "new".into()),
        Write::Put(OTHER, "made".into()),
        Write::Delete(SWITCH),
        Write::Delete(RowName { table: "never_there", ..PORT }),
        Write::Put(PORT.on("tenant-2"), "".into()),
    ];
    for _ in 0..2 {
        database.write_batch(&writes).await?;
        let ports = [(PORT, "new"), (OTHER, "made"), (PORT.on("tenant-2"), "")];
        lists(&*database, "lport", None, &ports).await?;
        is_absent(&*database, SWITCH).await?;
    }
    Ok(())
}

/// Writes to one row are executed in their order.
async fn writes_to_one_row_are_executed_in_order(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let put = |value: &'static str| Write::Put(PORT, value.into());
    database.write_batch(&[put("one"), put("two"), Write::Put(OTHER, "x".into()), put("three")]).await?;
    holds(&*database, PORT, "three").await?;
    database.write_batch(&[Write::Delete(PORT), put("four")]).await?;
    holds(&*database, PORT, "four").await?;
    database.write_batch(&[put("five"), Write::Delete(PORT)]).await?;
    is_absent(&*database, PORT).await?;
    let many: Vec<Write<'_>> = (0..500).map(|number| Write::Put(PORT, number.to_string().into())).collect();
    database.write_batch(&many).await?;
    holds(&*database, PORT, "499").await
}

/// The topic is used exactly as given.
async fn writes_use_the_topic_exactly_as_given(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    create(&*database, PORT, "one").await?;
    let plain = PORT.on(None);
    database.write_batch(&[Write::Delete(plain), Write::Delete(PORT.on("tenant-2"))]).await?;
    lists(&*database, "lport", None, &[(PORT, "one")]).await?;
    database.write_batch(&[Write::Put(plain, "none".into())]).await?;
    lists(&*database, "lport", None, &[(PORT, "one"), (plain, "none")]).await?;
    database.write_batch(&[Write::Delete(plain)]).await?;
    lists(&*database, "lport", None, &[(PORT, "one")]).await
}

/// Empty batches succeed and change nothing.
async fn empty_batches_succeed_and_change_nothing(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let found = database.get_batch(&[]).await?;
    ensure!(found.is_empty(), "an empty batch returned {found:?}");
    database.write_batch(&[]).await?;
    let tables = database.tables().await?;
    ensure!(tables.is_empty(), "nothing was written, but the tables are {tables:?}");
    Ok(())
}

/// A batch is executed completely or not at all, even if its future is dropped.
async fn a_cancelled_batch_is_executed_completely_or_not_at_all(fixture: DatabaseFixture) -> Outcome {
    const ROWS: usize = 200;
    let database = fixture.database().await?;
    for round in 0..20_u64 {
        let table = format!("round-{round}");
        let (instance, of_task) = (Arc::clone(&database), table.clone());
        let task = tokio::spawn(async move {
            let keys: Vec<String> = (0..ROWS).map(|number| number.to_string()).collect();
            let put = |key| Write::Put(RowName::new(&of_task, key), "v".into());
            let writes: Vec<Write<'_>> = keys.iter().map(|key| put(key)).collect();
            instance.write_batch(&writes).await
        });
        // Each round drops the future at another moment; none of them has to be exact.
        tokio::time::sleep(Duration::from_micros(200 * round)).await;
        task.abort();
        drop(task.await);
        // Everything that was started is executed before this.
        database.create_key(RowName::new("marks", &table), "".into(), false).await?;
        let rows = database.get_all_keys(&table, None).await?.len();
        ensure!(
            rows == 0 || rows == ROWS,
            "a batch of {ROWS} must be executed completely or not at all, but {rows} rows exist"
        );
    }
    Ok(())
}
