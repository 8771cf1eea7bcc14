//! What opening, initializing and closing do.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};

use pubsub_api::ErrorKind;
use pubsub_api::database::{DbApi, RowName};

use super::calls::{Ended, list_calls, row_calls, table_calls};
use super::database_case::database_case;
use super::expectation::{create, fails, holds};
use crate::check::ensure;
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(opening_a_database_touches_nothing),
    database_case!(calls_before_initialize_are_unavailable),
    database_case!(calls_after_close_are_closed),
    database_case!(initializing_and_closing_may_be_repeated),
    database_case!(a_database_closed_before_initialize_is_closed),
    database_case!(concurrent_initialize_calls_initialize_once),
    database_case!(cancelled_calls_leave_the_database_consistent),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

async fn every_call(database: &dyn DbApi) -> Vec<Ended> {
    let mut ended = row_calls(database, PORT).await;
    ended.extend(table_calls(database, "lport").await);
    ended.extend(list_calls(database, "lport", None).await);
    ended.extend(list_calls(database, "lport", Some("tenant-1")).await);
    ended.push(("tables", database.tables().await.map(drop)));
    ended.push(("get_batch of nothing", database.get_batch(&[]).await.map(drop)));
    ended.push(("write_batch of nothing", database.write_batch(&[]).await));
    ended
}

/// Opening checks the settings, and touches neither network nor file system.
async fn opening_a_database_touches_nothing(fixture: DatabaseFixture) -> Outcome {
    let files = || fixture.folder().read_dir().map(Iterator::count);
    let before = files()?;
    for _ in 0..3 {
        let database = fixture.open()?;
        let status = database.status();
        drop(database);
        ensure!(
            files()? == before,
            "no file may appear in {:?}; the status was {status:?}",
            fixture.folder()
        );
    }
    Ok(())
}

/// Before `initialize`, calls are `Unavailable`.
async fn calls_before_initialize_are_unavailable(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.open()?;
    for (call, ended) in every_call(&*database).await {
        fails(ErrorKind::Unavailable, format!("{call} before initialize"), ended)?;
    }
    database.initialize().await?;
    let tables = database.tables().await?;
    ensure!(tables.is_empty(), "nothing may have been written, but the tables are {tables:?}");
    Ok(create(&*database, PORT, "one").await?)
}

/// After `close`, calls are `Closed`, and `initialize` too.
async fn calls_after_close_are_closed(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    create(&*database, PORT, "one").await?;
    database.close().await?;
    for _ in 0..2 {
        for (call, ended) in every_call(&*database).await {
            fails(ErrorKind::Closed, format!("{call} after close"), ended)?;
        }
        fails(ErrorKind::Closed, "initialize after close", database.initialize().await)?;
    }
    let again = fixture.database().await?;
    holds(&*again, PORT, "one").await
}

/// `initialize` and `close` are idempotent.
async fn initializing_and_closing_may_be_repeated(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    create(&*database, PORT, "one").await?;
    for _ in 0..3 {
        database.initialize().await?;
        holds(&*database, PORT, "one").await?;
    }
    for _ in 0..3 {
        database.close().await?;
    }
    Ok(())
}

/// The same for a database that was never initialized.
async fn a_database_closed_before_initialize_is_closed(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.open()?;
    database.close().await?;
    fails(ErrorKind::Closed, "a call after close", database.get_key(PORT).await)?;
    fails(ErrorKind::Closed, "initialize after close", database.initialize().await)
}

/// Two tasks may call `initialize` at the same time.
async fn concurrent_initialize_calls_initialize_once(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.open()?;
    let (one, two, three) = tokio::join!(database.initialize(), database.initialize(), database.initialize());
    one.and(two).and(three)?;
    create(&*database, PORT, "one").await?;
    let (one, two) = tokio::join!(database.close(), database.close());
    Ok(one.and(two)?)
}

/// A call whose future is dropped may or may not be executed.
async fn cancelled_calls_leave_the_database_consistent(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    create(&*database, PORT, "old").await?;
    for _ in 0..300 {
        // Started, and dropped at once.
        let mut context = Context::from_waker(Waker::noop());
        drop(pin!(database.set_key(PORT, "new".into())).as_mut().poll(&mut context));
        drop(pin!(database.get_key(PORT)).as_mut().poll(&mut context));
        drop(pin!(database.allocate_unique_key("lport")).as_mut().poll(&mut context));
    }
    let value = database.get_key(PORT).await?;
    ensure!(value == "old" || value == "new", "the value must be the old or the new one, but is {value:?}");
    database.set_key(PORT, "last".into()).await?;
    holds(&*database, PORT, "last").await?;
    let number = database.allocate_unique_key("lport").await?;
    ensure!((1..=301).contains(&number), "at most 300 numbers were allocated before, but this is {number}");
    Ok(())
}
