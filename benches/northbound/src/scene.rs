use std::sync::Arc;

use northbound::Object;
use pubsub_api::database::{DbApi, Write};
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use serde_json::{Map, Value};
use service_kit::SettingsArguments;

/// The table that is written.
pub(crate) const TABLE: &str = "lport";

/// Size of each object's value, in bytes.
const VALUE_BYTES: usize = 200;

/// Number of rows in one write when a database is filled.
const BATCH: usize = 500;

/// The settings of programs and of this one.
pub(crate) fn settings(sets: &[String]) -> Result<(Registry, Settings)> {
    let registry = Registry::collect()?;
    let (settings, _) = SettingsArguments { config: Vec::new(), sets: sets.to_vec() }.load(&registry)?;
    Ok((registry, settings))
}

/// The settings that make Redis both database and network driver.
pub(crate) fn on_redis(address: &str) -> Vec<String> {
    [
        "pub_sub_driver=redis_db_pubsub_driver".to_owned(),
        "nb_db_class=redis_nb_db_driver".to_owned(),
        format!("drivers.redis.hosts={address}"),
    ]
    .to_vec()
}

/// The database of the settings, open.
pub(crate) async fn database(registry: &Registry, settings: &Settings) -> Result<Arc<dyn DbApi>> {
    let database = registry.open_database(&settings.pubsub().nb_db_class, settings)?;
    database.initialize().await?;
    Ok(database)
}

/// An object of a tenant, as an API server would write it.
pub(crate) fn object(number: usize) -> Result<Object> {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), Value::from(format!("port-{number:08}")));
    fields.insert("topic".to_owned(), Value::from(format!("tenant-{}", number % 100)));
    fields.insert("value".to_owned(), Value::from("v".repeat(VALUE_BYTES)));
    Object::new(TABLE, fields)
}

/// Writes this number of objects, and publishes nothing.
pub(crate) async fn fill(database: &dyn DbApi, rows: usize) -> Result<()> {
    let objects = (0..rows).map(object).collect::<Result<Vec<_>>>()?;
    for batch in objects.chunks(BATCH) {
        let writes: Vec<_> = batch.iter().map(|object| Write::Put(object.row(), object.to_json())).collect();
        database.write_batch(&writes).await?;
    }
    Ok(())
}

pub(crate) fn failed(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot {what}")).with_source(error)
}
