use std::sync::Arc;
use std::time::Duration;

use drivers_redis::SETTINGS;
use pubsub_api::database::{DbApi, RowName, RowPlace};
use pubsub_api::settings::PubSub;
use pubsub_api::{ErrorKind, Registry, Result};
use redis_servers::PATIENCE;
use settings::Sources;

/// The driver with these settings, not yet initialized.
pub(crate) fn closed_database(hosts: &[String], more: &[&str]) -> Result<Arc<dyn DbApi>> {
    let mut sets = vec![format!("drivers.redis.hosts={}", hosts.join(","))];
    sets.extend(more.iter().map(|set| format!("drivers.redis.{set}")));
    let (settings, _) =
        settings::load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &[SETTINGS])?;
    Registry::collect()?.open_database("redis_nb_db_driver", &settings)
}

/// The driver, initialized, with a deadline that is long enough for a busy machine.
pub(crate) async fn database(hosts: &[String], more: &[&str]) -> Arc<dyn DbApi> {
    let mut with_timeout = vec!["timeout=20s"];
    with_timeout.extend(more);
    let database = closed_database(hosts, &with_timeout).unwrap();
    database.initialize().await.unwrap();
    database
}

/// Waits until a condition holds.
pub(crate) async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let holding = async {
        while !holds() {
            // The wait helper itself.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, holding).await.unwrap_or_else(|_| panic!("timed out: {what}"));
}

/// Waits until a call succeeds that may be unavailable at first.
pub(crate) async fn until_it_works(database: &dyn DbApi, row: RowName<'_>) {
    let works = async { while database.create_key(row, "again".into(), true).await.is_err() {} };
    tokio::time::timeout(PATIENCE, works).await.expect("the database works again");
}

pub(crate) fn place(key: &str, topic: Option<&str>) -> RowPlace {
    RowPlace { key: key.to_owned(), topic: topic.map(str::to_owned) }
}

#[track_caller]
pub(crate) fn assert_kind<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind) -> String {
    let error = result.expect_err("an error");
    assert_eq!(error.kind(), kind, "{error}");
    error.to_string()
}
