//! Unique numbers.

use std::sync::Arc;

use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use tokio::task::JoinSet;

use super::database_case::database_case;
use super::expectation::{create, fails, holds, lists};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(unique_keys_start_at_one_for_each_table),
    database_case!(eight_tasks_of_two_instances_get_distinct_unique_keys_without_gaps),
    database_case!(the_last_unique_key_is_stored_under_the_tables_name),
    database_case!(a_saved_unique_key_can_be_restored),
    database_case!(a_stored_unique_key_that_is_not_a_number_is_refused),
];

/// The numbers of a table are 1, 2, 3 and so on.
async fn unique_keys_start_at_one_for_each_table(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for wanted in 1..=3 {
        for table in ["lport", "lport2", "unique_key"] {
            let number = database.allocate_unique_key(table).await?;
            ensure!(number == wanted, "the next number of {table} must be {wanted}, but was {number}");
        }
    }
    Ok(())
}

/// Case 39: for all tasks and instances together.
async fn eight_tasks_of_two_instances_get_distinct_unique_keys_without_gaps(
    fixture: DatabaseFixture,
) -> Outcome {
    const EACH: u64 = 25;
    let instances = [fixture.database().await?, fixture.database().await?];
    let mut tasks = JoinSet::new();
    for instance in instances.iter().cycle().take(8) {
        let instance = Arc::clone(instance);
        tasks.spawn(async move {
            let mut given = Vec::new();
            for _ in 0..EACH {
                given.push(instance.allocate_unique_key("lport").await?);
            }
            pubsub_api::Result::<_>::Ok(given)
        });
    }
    let mut all = Vec::new();
    for given in tasks.join_all().await {
        let given = given?;
        ensure!(given.is_sorted(), "a task's numbers must increase, but were {given:?}");
        all.extend(given);
    }
    all.sort_unstable();
    let wanted: Vec<u64> = (1..=8 * EACH).collect();
    ensure!(all == wanted, "together the numbers must be 1 to {}, but were {all:?}", 8 * EACH);
    Ok(())
}

/// The last number is stored in the table `unique_key`, under the table's name and no topic, in decimal digits.
async fn the_last_unique_key_is_stored_under_the_tables_name(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for number in 1..=12 {
        database.allocate_unique_key("lport").await?;
        holds(&*database, RowName::new("unique_key", "lport"), number.to_string()).await?;
    }
    database.allocate_unique_key("lswitch").await?;
    let rows = [(RowName::new("unique_key", "lport"), "12"), (RowName::new("unique_key", "lswitch"), "1")];
    lists(&*database, "unique_key", None, &rows).await?;
    lists(&*database, "lport", None, &[]).await
}

/// So tools can save and restore it.
async fn a_saved_unique_key_can_be_restored(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let kept = RowName::new("unique_key", "lport");
    let next = |wanted: u64| {
        let database = Arc::clone(&database);
        async move {
            let number = database.allocate_unique_key("lport").await?;
            ensure!(number == wanted, "the next number must be {wanted}, but was {number}");
            Outcome::Ok(())
        }
    };
    create(&*database, kept, "41").await?;
    next(42).await?;
    database.set_key(kept, "4294967296".into()).await?;
    next(4_294_967_297).await?;
    database.delete_table("lport").await?;
    next(4_294_967_298).await?;
    database.delete_table("unique_key").await?;
    next(1).await
}

/// `allocate_unique_key` is `Invalid` if the stored value is not a number, or is the largest.
async fn a_stored_unique_key_that_is_not_a_number_is_refused(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let kept = RowName::new("unique_key", "lport");
    for bad in ["", "{}", "1.5", " 1", "9223372036854775807", "99999999999999999999"] {
        database.create_key(kept, bad.into(), true).await?;
        let given = database.allocate_unique_key("lport").await;
        fails(ErrorKind::Invalid, format!("a number after {bad:?}"), given)?;
        holds(&*database, kept, bad).await?;
    }
    Ok(())
}
