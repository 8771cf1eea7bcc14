use std::sync::Arc;
use std::time::Duration;

use northbound::{Northbound, NorthboundOptions, Object};
use pubsub_api::Registry;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::settings::PubSub;
use serde_json::{Map, Value};
use settings::Sources;

use crate::publisher::Recorder;

/// A façade over an empty database of this test's own, and a scripted publisher.
pub(crate) struct Scene {
    pub(crate) northbound: Northbound,
    pub(crate) database: Arc<dyn DbApi>,
    pub(crate) publisher: Arc<Recorder>,
}

impl Scene {
    pub(crate) async fn new(name: &str, options: NorthboundOptions) -> Self {
        let registry = Registry::collect().expect("drivers");
        let sets = vec![format!("drivers.memory.database={name}")];
        let sources = Sources { sets, ..Sources::default() };
        let (settings, _) = settings::load(
            &sources,
            &[PubSub::TABLE, northbound::DatabaseSettings::TABLE],
            &registry.settings(),
        )
        .expect("settings");
        let database = registry.open_database("memory_nb_db_driver", &settings).expect("a database");
        database.initialize().await.expect("open");
        let publisher = Arc::new(Recorder::default());
        let sending: Arc<dyn pubsub_api::Publisher> = Arc::<Recorder>::clone(&publisher);
        Self { northbound: Northbound::new(Arc::clone(&database), sending, options), database, publisher }
    }

    pub(crate) async fn held(&self, row: RowName<'_>) -> Option<Value> {
        let held = self.database.get_batch(&[row]).await.expect("an answer").remove(0);
        held.map(|held| serde_json::from_slice(&held).expect("JSON"))
    }

    pub(crate) fn published(&self) -> Vec<String> {
        self.publisher.take_published()
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        let counters = self.northbound.status().counters;
        counters.iter().filter(|counter| counter.name == name).map(|counter| counter.value).sum()
    }
}

pub(crate) fn quick() -> NorthboundOptions {
    NorthboundOptions { confirm_within: Duration::from_millis(200), ..NorthboundOptions::default() }
}

pub(crate) fn port(value: Value) -> Object {
    Object::parse("lport", value.to_string().as_bytes()).expect("an object")
}

pub(crate) fn fields(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

pub(crate) const PORT: RowName<'static> = RowName { table: "lport", key: "p", topic: None };
