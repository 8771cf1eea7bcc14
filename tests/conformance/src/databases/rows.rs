//! Creating, changing, reading and deleting one row.

use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;

use super::database_case::database_case;
use super::expectation::{create, fails, holds, is_absent, lists};
use crate::{DatabaseCase, DatabaseFixture, Outcome};

pub(super) const CASES: &[DatabaseCase] = &[
    database_case!(a_created_row_is_read_as_it_was_written),
    database_case!(a_missing_row_is_not_found_and_not_created),
    database_case!(creating_an_existing_row_is_refused_and_changes_nothing),
    database_case!(creating_with_overwrite_creates_or_changes_the_row),
    database_case!(setting_a_row_changes_only_that_row),
    database_case!(deleting_a_row_does_not_affect_others),
    database_case!(a_deleted_row_can_be_created_again),
];

const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

/// Rows that differ from [`PORT`] in one part each.
const OTHERS: [RowName<'static>; 3] = [
    RowName { table: "lswitch", ..PORT },
    RowName { key: "port-2", ..PORT },
    RowName { topic: Some("tenant-2"), ..PORT },
];

/// Case 32: create and get.
async fn a_created_row_is_read_as_it_was_written(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    let plain = RowName::new("lport", "port-2");
    create(&*database, PORT, "one").await?;
    create(&*database, plain, "two").await?;
    holds(&*database, PORT, "one").await?;
    holds(&*database, plain, "two").await?;
    lists(&*database, "lport", None, &[(PORT, "one"), (plain, "two")]).await
}

/// Case 33, for every call: a missing row is `NotFound`.
async fn a_missing_row_is_not_found_and_not_created(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for round in ["in a missing table", "in an empty table", "beside other rows"] {
        for row in [PORT, PORT.on(None)] {
            let what = |call| format!("{call} of {row}, which does not exist, {round},");
            fails(ErrorKind::NotFound, what("get"), database.get_key(row).await)?;
            fails(ErrorKind::NotFound, what("set"), database.set_key(row, "x".into()).await)?;
            fails(ErrorKind::NotFound, what("delete"), database.delete_key(row).await)?;
        }
        is_absent(&*database, PORT).await?;
        database.create_table("lport").await?;
        if round == "in an empty table" {
            create(&*database, RowName { key: "port-10", ..PORT }, "x").await?;
            create(&*database, RowName { key: "port-", ..PORT }, "x").await?;
        }
    }
    Ok(())
}

/// `create_key` is `AlreadyExists` for an existing row, unless it may overwrite.
async fn creating_an_existing_row_is_refused_and_changes_nothing(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for row in [PORT, RowName::new("lport", "port-2")] {
        create(&*database, row, "one").await?;
        for value in ["one", "two", ""] {
            let again = create(&*database, row, value).await;
            fails(ErrorKind::AlreadyExists, format!("creating {row} twice"), again)?;
        }
        holds(&*database, row, "one").await?;
    }
    Ok(())
}

/// With `overwrite`, it creates or changes the row.
async fn creating_with_overwrite_creates_or_changes_the_row(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for row in [PORT, RowName::new("lport", "port-2")] {
        for value in ["one", "two", "two", ""] {
            database.create_key(row, value.into(), true).await?;
            holds(&*database, row, value).await?;
        }
    }
    lists(&*database, "lport", None, &[(PORT, ""), (RowName::new("lport", "port-2"), "")]).await
}

/// Case 36: set changes only one row.
async fn setting_a_row_changes_only_that_row(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for row in OTHERS.into_iter().chain([PORT]) {
        create(&*database, row, "old").await?;
    }
    for value in ["new", "new", "newer"] {
        database.set_key(PORT, value.into()).await?;
        holds(&*database, PORT, value).await?;
    }
    for row in OTHERS {
        holds(&*database, row, "old").await?;
    }
    Ok(())
}

/// Case 34: delete keeps other rows.
async fn deleting_a_row_does_not_affect_others(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for row in OTHERS.into_iter().chain([PORT]) {
        create(&*database, row, "old").await?;
    }
    database.delete_key(PORT).await?;
    is_absent(&*database, PORT).await?;
    for row in OTHERS {
        holds(&*database, row, "old").await?;
    }
    Ok(())
}

/// A deleted row may be created again.
async fn a_deleted_row_can_be_created_again(fixture: DatabaseFixture) -> Outcome {
    let database = fixture.database().await?;
    for round in 0..3 {
        create(&*database, PORT, round.to_string()).await?;
        holds(&*database, PORT, round.to_string()).await?;
        database.delete_key(PORT).await?;
        let again = database.delete_key(PORT).await;
        fails(ErrorKind::NotFound, "deleting twice", again)?;
        lists(&*database, "lport", None, &[]).await?;
    }
    Ok(())
}
