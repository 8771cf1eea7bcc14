//! A service whose network is a broker: it forwards nothing, and cares for the database.
#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use publisher_service::PublisherService;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::settings::Settings;
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Capabilities, Driver, Error, ErrorKind, PubSubApi, Publisher, Registry, Result, Role, Status, Subscriber,
    Topic,
};
use settings::Sources;

/// What was published to the broker: action and row.
static PUBLISHED: Mutex<Vec<String>> = Mutex::new(Vec::new());

inventory::submit! {
    Driver {
        alias: "test_broker",
        roles: &[Role::Network],
        summary: "notes what is published",
        capabilities: Capabilities { broker: true, across_processes: true, ..Capabilities::NONE },
        settings: &[],
        open: |_, _| Ok(Arc::new(Broker)),
    }
}

#[derive(Debug)]
struct Broker;

impl PubSubApi for Broker {
    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(ToBroker)
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        unreachable!("a service reads nothing from a broker")
    }
}

#[derive(Debug)]
struct ToBroker;

#[async_trait]
impl Publisher for ToBroker {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        if !topic.is_reserved() {
            let event = EventRef::read(topic.as_bytes(), &payload)
                .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?
                .to_event();
            let (table, key) = (event.table.unwrap_or_default(), event.key.unwrap_or_default());
            PUBLISHED.lock().unwrap().push(format!("{topic} {} {table}/{key}", event.action));
        }
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }

    fn endpoint(&self) -> Option<String> {
        Some("redis://broker:6379".to_owned())
    }

    fn status(&self) -> Status {
        Status::default()
    }
}

fn settings(registry: &Registry, state_dir: &Path, more: &[&str]) -> Settings {
    let mut sets = vec![format!("state_dir={}", state_dir.display())];
    sets.extend(
        [
            "pub_sub_driver=test_broker",
            "nb_db_class=memory_nb_db_driver",
            "drivers.memory.database=on_broker",
            "publisher_timeout=3s",
            "monitor_table_poll_time=100ms",
        ]
        .into_iter()
        .chain(more.iter().copied())
        .map(str::to_owned),
    );
    let sources = Sources { sets, ..Sources::default() };
    all_settings::load(&sources, &registry.settings()).unwrap().0
}

async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !look().await {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        // The wait helper itself.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn row(database: &dyn DbApi, table: &str, key: &str, json: &'static str) {
    database.create_key(RowName::new(table, key), json.into(), true).await.unwrap();
}

#[tokio::test]
async fn on_a_broker_it_watches_the_database_and_has_no_address_to_be_found_at() {
    let (registry, folder) = (Registry::collect().unwrap(), tempfile::tempdir().unwrap());
    let settings = settings(&registry, folder.path(), &["use_nb_db=yes"]);
    let database = registry.open_database("memory_nb_db_driver", &settings).unwrap();
    database.initialize().await.unwrap();
    row(&*database, "publisher", "old", r#"{"id":"old","uri":"tcp://192.0.2.1:8866"}"#).await;

    let service = PublisherService::start(&registry, &settings).await.unwrap();
    assert_eq!(service.ipc_endpoint(), None);
    assert_eq!(service.network_endpoint().as_deref(), Some("redis://broker:6379"));
    let status = service.status_reader();
    until("the first poll", async || {
        status().get("monitors").is_some_and(|monitors| monitors.counter("polls", Some("chassis")) > 0)
    })
    .await;
    row(&*database, "chassis", "a", r#"{"id":"a"}"#).await;
    let published = |wanted: &str| PUBLISHED.lock().unwrap().iter().any(|published| published == wanted);
    until("the event of the monitor", async || published("D create chassis/a")).await;
    until("the removal of the stale row", async || published("D delete publisher/old")).await;
    until("its report", async || database.get_all_entries("service", None).await.unwrap().len() == 1).await;
    assert!(database.get_all_entries("publisher", None).await.unwrap().is_empty());
    service.drain(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn on_a_broker_without_a_database_there_is_nothing_to_do() {
    let (registry, folder) = (Registry::collect().unwrap(), tempfile::tempdir().unwrap());
    let settings = settings(&registry, folder.path(), &["use_nb_db=no"]);
    let error = PublisherService::start(&registry, &settings).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Settings, "{text}");
    for part in ["test_broker publishes to a broker", "nothing to do", "use_nb_db", "nb_db_class"] {
        assert!(text.contains(part), "{text}");
    }
}
