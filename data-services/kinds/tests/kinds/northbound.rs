//! The kind `northbound`, on a database in a real file.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use data_services::ServiceConfig;
use drivers_sqlite as _;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::settings::PubSub;
use pubsub_api::{ErrorKind, Registry};
use serde_json::{Value as Json, json};
use settings::Sources;

use crate::bus::Bus;
use crate::view::View;
use crate::wait::{has_error, status_until};

fn sets(folder: &Path) -> Vec<String> {
    vec!["nb_db_class=sqlite_nb_db_driver".to_owned(), format!("state_dir={}", folder.display())]
}

/// The database, as another program opens it.
async fn database(folder: &Path) -> Arc<dyn DbApi> {
    let registry = Registry::collect().unwrap();
    let sources = Sources { sets: sets(folder), ..Sources::default() };
    let settings = settings::load(&sources, &[PubSub::TABLE], &registry.settings()).unwrap().0;
    let database = registry.open_database("sqlite_nb_db_driver", &settings).unwrap();
    database.initialize().await.unwrap();
    database
}

fn config(folder: &Path) -> ServiceConfig {
    ServiceConfig::new("nb", "northbound")
        .option("settings", json!({"set": sets(folder)}))
        .option("interval", "500ms")
}

async fn put(database: &dyn DbApi, table: &str, object: &Json) {
    let key = object["id"].as_str().unwrap();
    let row = RowName::new(table, key).on("tenant-1");
    database.create_key(row, Bytes::from(object.to_string()), true).await.unwrap();
}

#[tokio::test]
async fn the_tables_of_the_database_are_published_and_changes_of_others_arrive() {
    let (bus, folder) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    let database = database(folder.path()).await;
    let one = json!({"id": "p1", "topic": "tenant-1", "version": 1});
    put(&*database, "lport", &one).await;
    put(&*database, "service", &json!({"id": "agent-1"})).await;
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(folder.path())).await.unwrap();
    let mut ports = View::of(&screen, "nb", "lport").await;
    let mut chassis = View::of(&screen, "nb", "chassis").await;
    ports.until_rows(&json!([one])).await;
    let two = json!({"id": "p1", "topic": "tenant-1", "version": 2});
    put(&*database, "lport", &two).await;
    ports.until_rows(&json!([two])).await;
    assert_eq!(ports.changed, 1);
    put(&*database, "chassis", &json!({"id": "c1"})).await;
    chassis.until_rows(&json!([{"id": "c1"}])).await;
    database.delete_key(RowName::new("lport", "p1")).await.unwrap();
    ports.until("the deleted row is gone", |view| view.rows().is_empty()).await;
    let tables: Vec<String> = screen
        .node()
        .report()
        .await
        .unwrap()
        .services
        .iter()
        .flat_map(|service| &service.tables)
        .map(|(table, _)| table.to_string())
        .collect();
    assert!(!tables.contains(&"service".to_owned()), "the reports of programs are left out: {tables:?}");
}

#[tokio::test]
async fn rows_that_are_not_objects_are_reported_and_left_out() {
    let (bus, folder) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    let database = database(folder.path()).await;
    put(&*database, "lport", &json!({"id": "p1"})).await;
    database.create_key(RowName::new("lport", "p2"), Bytes::from("no JSON"), true).await.unwrap();
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(folder.path()).option("tables", json!(["lport", "lswitch"]))).await.unwrap();
    View::of(&screen, "nb", "lport").await.until_rows(&json!([{"id": "p1"}])).await;
    View::of(&screen, "nb", "lswitch").await.until("a table that is named is there", View::is_known).await;
    let status =
        status_until(&screen, "nb", "the row is named", |status| has_error(status, "lport/p2 is left out"))
            .await;
    assert_eq!(status["initialized"], true);
    status_until(&screen, "nb", "a poll without news shows it again", |later| {
        later["number_of_updates"].as_u64() > status["number_of_updates"].as_u64()
            && has_error(later, "lport/p2")
    })
    .await;
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_an_error_and_is_tried_again() {
    let (bus, above) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    let folder = above.path().join("state");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(&folder)).await.unwrap();
    status_until(&screen, "nb", "the error is shown", |status| !status["last_error"].is_null()).await;
    std::fs::create_dir(&folder).unwrap();
    put(&*database(&folder).await, "lport", &json!({"id": "p1"})).await;
    View::of(&screen, "nb", "lport").await.until_rows(&json!([{"id": "p1"}])).await;
}

#[tokio::test]
async fn settings_that_are_unknown_are_refused() {
    let bus = Bus::new("bus");
    let cage = bus.cage("node-1").await;
    for (set, says) in [("nb_db_clas=x", "nb_db_class"), ("nb_db_class=sqlite", "sqlite_nb_db_driver")] {
        let config = ServiceConfig::new("nb", "northbound").option("settings", json!({"set": [set]}));
        let error = cage.create(config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings);
        assert!(error.to_string().contains(says), "{error}");
    }
}
