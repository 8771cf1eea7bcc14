//! Changing a row only if it has the expected value.

use std::sync::Arc;

use bytes::Bytes;
use pubsub_api::database::{DbApi, RowName};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::database_case::database_case;
use super::expectation::{create, holds, is_absent, lists};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(compare_and_set_from_none_creates_a_missing_row),
    database_case!(compare_and_set_changes_a_row_with_the_expected_value),
    database_case!(compare_and_set_to_none_deletes_a_row_with_the_expected_value),
    database_case!(compare_and_set_from_none_to_none_returns_whether_the_row_is_missing),
    database_case!(compare_and_set_uses_the_topic_exactly_as_given),
    database_case!(of_eight_tasks_that_compare_and_set_exactly_one_wins_each_round),
    database_case!(of_eight_tasks_that_create_a_row_exactly_one_succeeds),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

/// Asserts the result of a comparison.
async fn replaces(
    database: &dyn DbApi,
    row: RowName<'_>,
    (expected, new): (Option<&str>, Option<&'static str>),
    wanted: bool,
) -> Outcome {
    let expected_bytes = expected.map(str::as_bytes);
    let done = database.compare_and_set(row, expected_bytes, new.map(Bytes::from)).await?;
    ensure!(done == wanted, "{row} from {expected:?} to {new:?} must be {wanted}, but was {done}");
    Ok(())
}

/// As the expected value, `None` means that the row does not exist.
async fn compare_and_set_from_none_creates_a_missing_row(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    replaces(&*database, PORT, (None, Some("one")), true).await?;
    holds(&*database, PORT, "one").await?;
    for again in ["one", "two"] {
        replaces(&*database, PORT, (None, Some(again)), false).await?;
    }
    holds(&*database, PORT, "one").await
}

/// `compare_and_set` replaces `expected` by `new` atomically; it returns whether it did.
async fn compare_and_set_changes_a_row_with_the_expected_value(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    replaces(&*database, PORT, (Some("one"), Some("two")), false).await?;
    replaces(&*database, PORT, (Some(""), Some("two")), false).await?;
    is_absent(&*database, PORT).await?;
    create(&*database, PORT, "one").await?;
    for other in ["", "on", "one ", "ONE", "one\0", "*", "o.e"] {
        replaces(&*database, PORT, (Some(other), Some("two")), false).await?;
    }
    holds(&*database, PORT, "one").await?;
    for (from, to) in [("one", "one"), ("one", ""), ("", "two")] {
        replaces(&*database, PORT, (Some(from), Some(to)), true).await?;
        holds(&*database, PORT, to).await?;
    }
    Ok(())
}

/// As the new value, `None` deletes the row.
async fn compare_and_set_to_none_deletes_a_row_with_the_expected_value(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for value in ["one", ""] {
        replaces(&*database, PORT, (Some(value), None), false).await?;
        create(&*database, PORT, value).await?;
        replaces(&*database, PORT, (Some("other"), None), false).await?;
        holds(&*database, PORT, value).await?;
        replaces(&*database, PORT, (Some(value), None), true).await?;
        is_absent(&*database, PORT).await?;
    }
    Ok(())
}

/// With `None` for both, nothing changes in any case.
async fn compare_and_set_from_none_to_none_returns_whether_the_row_is_missing(
    fixture: DatabaseFixture,
) -> Outcome {
    let database = fixture.database().await?;
    replaces(&*database, PORT, (None, None), true).await?;
    is_absent(&*database, PORT).await?;
    create(&*database, PORT, "").await?;
    replaces(&*database, PORT, (None, None), false).await?;
    holds(&*database, PORT, "").await
}

/// Without a topic, the row without topic is meant.
async fn compare_and_set_uses_the_topic_exactly_as_given(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    create(&*database, PORT, "one").await?;
    let plain = PORT.on(None);
    replaces(&*database, plain, (Some("one"), Some("two")), false).await?;
    replaces(&*database, PORT.on("tenant-2"), (Some("one"), Some("two")), false).await?;
    replaces(&*database, plain, (None, Some("none")), true).await?;
    replaces(&*database, plain, (Some("none"), Some("more")), true).await?;
    lists(&*database, "lport", None, &[(PORT, "one"), (plain, "more")]).await?;
    replaces(&*database, plain, (Some("more"), None), true).await?;
    lists(&*database, "lport", None, &[(PORT, "one")]).await
}

/// The number of racing tasks; half of them use an instance of their own.
const RACERS: usize = 8;

/// Runs `attempt` in all racers at the same time; returns the numbers of those that succeeded.
async fn race<F>(
    instances: &[Arc<dyn DbApi>; 2],
    attempt: fn(Arc<dyn DbApi>, usize) -> F,
) -> Outcome<Vec<usize>>
where
    F: Future<Output = pubsub_api::Result<bool>> + Send + 'static,
{
    let start = Arc::new(Barrier::new(RACERS));
    let mut racers = JoinSet::new();
    for (racer, instance) in (0..RACERS).zip(instances.iter().cycle()) {
        let (start, instance) = (Arc::clone(&start), Arc::clone(instance));
        racers.spawn(async move {
            start.wait().await;
            attempt(instance, racer).await.map(|won| won.then_some(racer))
        });
    }
    let ended = racers.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(ended.into_iter().flatten().collect())
}

/// Concurrent comparisons are atomic.
async fn of_eight_tasks_that_compare_and_set_exactly_one_wins_each_round(
    fixture: DatabaseFixture,
) -> Outcome {
    let instances = [fixture.database().await?, fixture.database().await?];
    create(&*instances[0], PORT, "free").await?;
    for round in 0..20 {
        let winners = race(&instances, |instance, racer| async move {
            instance.compare_and_set(PORT, Some(b"free"), Some(racer.to_string().into())).await
        });
        let winners = winners.await?;
        let [winner] = winners.as_slice() else {
            return Err(format!("exactly one must win round {round}, but these did: {winners:?}").into());
        };
        let winner = winner.to_string();
        for instance in &instances {
            holds(&**instance, PORT, &winner).await?;
        }
        let freed = instances[1].compare_and_set(PORT, Some(winner.as_bytes()), Some("free".into())).await?;
        ensure!(freed, "the row must have the winner's value, but does not");
    }
    Ok(())
}

/// The same for `create_key`.
async fn of_eight_tasks_that_create_a_row_exactly_one_succeeds(fixture: DatabaseFixture) -> Outcome {
    let instances = [fixture.database().await?, fixture.database().await?];
    for round in 0..20 {
        let winners = race(&instances, |instance, racer| async move {
            match instance.create_key(PORT, racer.to_string().into(), false).await {
                Err(error) if error.kind() == pubsub_api::ErrorKind::AlreadyExists => Ok(false),
                ended => ended.map(|()| true),
            }
        });
        let winners = winners.await?;
        let [winner] = winners.as_slice() else {
            return Err(format!("exactly one must win round {round}, but these did: {winners:?}").into());
        };
        holds(&*instances[0], PORT, winner.to_string()).await?;
        instances[1].delete_key(PORT).await?;
    }
    Ok(())
}
