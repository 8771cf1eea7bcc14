//! Several instances on one database.

use std::sync::Arc;

use pubsub_api::database::{DbApi, RowName, Write};

use super::database_case::database_case;
use super::expectation::{create, holds, is_absent, lists};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(a_write_of_one_instance_is_visible_to_another_at_once),
    database_case!(closing_one_instance_does_not_close_the_others),
    database_case!(rows_stay_when_all_instances_have_closed),
    database_case!(several_instances_may_initialize_a_new_database_at_the_same_time),
    database_case!(databases_of_different_places_share_nothing),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

/// When a write has returned `Ok`, all instances see it.
async fn a_write_of_one_instance_is_visible_to_another_at_once(fixture: DatabaseFixture) -> Outcome {
    let (one, two) = (fixture.database().await?, fixture.database().await?);
    for round in 0..50 {
        let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let value = round.to_string();
        create(&**writer, PORT, value.clone()).await?;
        holds(&**reader, PORT, &value).await?;
        reader.set_key(PORT, "set".into()).await?;
        holds(&**writer, PORT, "set").await?;
        writer.write_batch(&[Write::Put(PORT, value.clone().into())]).await?;
        holds(&**reader, PORT, &value).await?;
        let swapped = reader.compare_and_set(PORT, Some(value.as_bytes()), Some("swapped".into())).await?;
        ensure!(swapped, "the other instance has just written {value:?}");
        lists(&**writer, "lport", Some("tenant-1"), &[(PORT, "swapped")]).await?;
        writer.delete_key(PORT).await?;
        is_absent(&**reader, PORT).await?;
    }
    Ok(())
}

/// `close` ends only this instance.
async fn closing_one_instance_does_not_close_the_others(fixture: DatabaseFixture) -> Outcome {
    let (one, two) = (fixture.database().await?, fixture.database().await?);
    create(&*one, PORT, "one").await?;
    one.close().await?;
    drop(one);
    drop(fixture.database().await?);
    holds(&*two, PORT, "one").await?;
    two.set_key(PORT, "two".into()).await?;
    holds(&*fixture.database().await?, PORT, "two").await
}

/// `close` keeps the rows.
async fn rows_stay_when_all_instances_have_closed(fixture: DatabaseFixture) -> Outcome {
    let rows = [(PORT, "one"), (RowName::new("lport", "port-2"), "two")];
    for round in 1..=3 {
        let database = fixture.database().await?;
        for (row, value) in rows {
            if round == 1 {
                create(&*database, row, value).await?;
            }
        }
        lists(&*database, "lport", None, &rows).await?;
        let number = database.allocate_unique_key("lport").await?;
        ensure!(number == round, "expected {round}, got {number}");
        // The last instance is dropped without close.
        if round < 3 {
            database.close().await?;
        }
    }
    holds(&*fixture.database().await?, PORT, "one").await
}

/// The first instance creates the database.
async fn several_instances_may_initialize_a_new_database_at_the_same_time(
    fixture: DatabaseFixture,
) -> Outcome {
    let instances: Vec<Arc<dyn DbApi>> = (0..6).map(|_| fixture.open()).collect::<Result<_, _>>()?;
    let tasks = instances.iter().enumerate().map(|(number, instance)| {
        let instance = Arc::clone(instance);
        tokio::spawn(async move {
            instance.initialize().await?;
            instance.create_key(RowName::new("lport", &number.to_string()), "v".into(), false).await
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    let rows = fixture.database().await?.get_all_keys("lport", None).await?.len();
    ensure!(rows == 6, "six instances have written a row, but {rows} exist");
    Ok(())
}

/// Each fixture has its own database.
async fn databases_of_different_places_share_nothing(fixture: DatabaseFixture) -> Outcome {
    let other = fixture.elsewhere()?;
    let (here, there) = (fixture.database().await?, other.database().await?);
    create(&*here, PORT, "here").await?;
    is_absent(&*there, PORT).await?;
    create(&*there, PORT, "there").await?;
    holds(&*here, PORT, "here").await?;
    there.delete_table("lport").await?;
    holds(&*here, PORT, "here").await
}
