use std::path::Path;
use std::sync::Arc;

use drivers_sqlite as _;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::settings::PubSub;
use pubsub_api::{Error, ErrorKind, Registry};
use settings::Sources;

/// A row that these tests use.
pub(crate) const PORT: RowName<'static> = RowName { table: "lport", key: "port-1", topic: Some("tenant-1") };

/// Opens the driver with `state_dir` and other settings.
pub(crate) fn open(state_dir: &Path, sets: &[&str]) -> Arc<dyn DbApi> {
    let registry = Registry::collect().unwrap();
    let mut all =
        vec![format!("state_dir={}", state_dir.display()), "drivers.sqlite.busy_timeout=20s".to_owned()];
    all.extend(sets.iter().map(|set| (*set).to_owned()));
    let (settings, _) =
        settings::load(&Sources { sets: all, ..Sources::default() }, &[PubSub::TABLE], &registry.settings())
            .unwrap();
    registry.open_database("sqlite_nb_db_driver", &settings).unwrap()
}

/// The same, initialized.
pub(crate) async fn initialized(state_dir: &Path, sets: &[&str]) -> Arc<dyn DbApi> {
    let database = open(state_dir, sets);
    database.initialize().await.unwrap();
    database
}

/// The error of its `initialize`.
pub(crate) async fn refusal(database: &dyn DbApi) -> Error {
    database.initialize().await.unwrap_err()
}

/// Asserts that the error is of this kind and contains this sentence.
pub(crate) fn says(error: &Error, kind: ErrorKind, sentence: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(sentence), "{sentence:?} is missing in: {error}");
}
