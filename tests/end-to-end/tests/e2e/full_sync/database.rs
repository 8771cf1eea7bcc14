//! The database of a test, with hands that publish nothing.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use drivers as _;
use end_to_end::Folder;
use pubsub_api::Registry;
use pubsub_api::database::{DbApi, RowName, Write};
use settings::Sources;
use tokio::runtime::Runtime;

/// A database that agents, services and the test share.
pub(crate) struct Database {
    runtime: Runtime,
    database: Arc<dyn DbApi>,
}

/// The file of the folder's database, and the settings that make every program use it.
pub(crate) fn folder(more: &str) -> Folder {
    let folder = Folder::new();
    let settings = std::fs::read_to_string(folder.config()).unwrap();
    let more = format!("use_nb_db = \"yes\"\n{more}\n[drivers.sqlite]\npath = {:?}\n", file(&folder));
    folder.write("skimmer.toml", &format!("{settings}{more}"));
    folder
}

/// Where it is.
pub(crate) fn file(folder: &Folder) -> PathBuf {
    folder.path().join("northbound.sqlite")
}

impl Database {
    /// The one that the folder's settings name.
    pub(crate) fn of(folder: &Folder) -> Self {
        let registry = Registry::collect().unwrap();
        let sources = Sources { files: vec![folder.config()], ..Sources::default() };
        let (settings, _) = all_settings::load(&sources, &registry.settings()).unwrap();
        let database = registry.used_database(&settings).unwrap().expect("it is used");
        let runtime = Runtime::new().unwrap();
        runtime.block_on(database.initialize()).unwrap();
        Self { runtime, database }
    }

    /// Writes a row without an event.
    pub(crate) fn put(&self, table: &str, key: &str, value: &str) {
        self.put_on(None, table, key, value);
    }

    pub(crate) fn put_on(&self, topic: Option<&str>, table: &str, key: &str, value: &str) {
        let row = RowName::new(table, key).on(topic);
        self.runtime
            .block_on(self.database.create_key(row, Bytes::copy_from_slice(value.as_bytes()), true))
            .unwrap();
    }

    /// Writes many rows of a table without an event.
    pub(crate) fn put_all(&self, table: &str, rows: impl IntoIterator<Item = (String, String)>) {
        let rows: Vec<(String, String)> = rows.into_iter().collect();
        for rows in rows.chunks(500) {
            let put = rows.iter().map(|(key, value)| {
                let value = Bytes::from(value.clone());
                Write::Put(RowName::new(table, key), value)
            });
            let writes: Vec<Write<'_>> = put.collect();
            self.runtime.block_on(self.database.write_batch(&writes)).unwrap();
        }
    }

    /// Deletes a row without an event.
    pub(crate) fn delete(&self, table: &str, key: &str) {
        self.runtime.block_on(self.database.delete_key(RowName::new(table, key))).unwrap();
    }
}
