//! Services of one host that share a database, and a look into it that is not theirs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use end_to_end::{Ended, Folder, Launch, Program, Service, fixed_port, until};
use pubsub_api::Registry;
use pubsub_api::database::{DbApi, RowName};
use serde_json::Value;
use settings::Sources;
use tokio::runtime::{Builder, Runtime};

/// A folder whose services share one file of SQLite. Agents do not use it: what they have comes by events.
pub(crate) struct Scene {
    pub(crate) folder: Folder,
}

/// The database, opened by the test itself.
pub(crate) struct Database {
    runtime: Runtime,
    api: Arc<dyn DbApi>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { folder: Folder::new() }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("shared.sqlite")
    }

    /// A service of this name, with an id of its own that is its name, at a port of its own.
    pub(crate) fn launch(&self, name: &str, port: u16) -> Launch {
        // The command line tool uses the socket of the file: that of the service called "service".
        let launch = self.folder.launch("publisher-service", name).set("publisher_id", name);
        let launch = match name {
            "service" => launch,
            other => {
                let socket = self.folder.path().join(format!("{other}.sock"));
                launch.set("publisher_multiproc_socket", socket.display())
            }
        };
        quick(self.with_database(launch)).set("publisher_port", port)
    }

    /// The same, ready.
    pub(crate) fn service(&self, name: &str) -> Service {
        Service::ready(self.launch(name, fixed_port()).start())
    }

    /// An agent that knows the row of the service called "service", so that whatever is published from now on comes as an event
    /// and not in a snapshot.
    pub(crate) fn live_agent(&self, service: &Service) -> Program {
        let agent = self.folder.subscribed_agent("agent", service);
        wait_for_action(&agent, 0, "create", "service");
        agent
    }

    /// `skimmer service …` at the database.
    pub(crate) fn command(&self, arguments: &[&str]) -> Ended {
        let launch = self.with_database(self.folder.skimmer(&["service"])).set("publisher_id", "service");
        launch.set("publisher_timeout", "3s").args(arguments).run()
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&self.file())
    }

    fn with_database(&self, launch: Launch) -> Launch {
        launch.set("use_nb_db", "yes").set("drivers.sqlite.path", self.file().display())
    }
}

/// What would take minutes takes a second.
pub(crate) fn quick(launch: Launch) -> Launch {
    let launch = launch.set("publisher_timeout", "3s").set("report_interval", "1s");
    launch.set("monitor_table_poll_time", "100ms")
}

/// Waits until the monitors of a service have read their tables once.
pub(crate) fn wait_for_monitors(folder: &Folder, service: &str) {
    until("the first poll of the monitors", || {
        let polls = end_to_end::counter(&folder.status(service), "monitors", "polls");
        (polls > 0).then_some(())
    });
}

/// The action of the next event about a row after a mark.
pub(crate) fn wait_for_action(agent: &Program, mark: usize, action: &str, key: &str) -> Value {
    agent.wait_for_since(mark, &format!("{action} {key}"), |line| {
        line["action"] == action && line["key"] == key
    })
}

impl Database {
    fn open(file: &Path) -> Self {
        let registry = Registry::collect().unwrap();
        let sets = vec![format!("drivers.sqlite.path={}", file.display())];
        let (settings, _) =
            all_settings::load(&Sources { sets, ..Sources::default() }, &registry.settings()).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let api = registry.open_database("sqlite_nb_db_driver", &settings).unwrap();
        runtime.block_on(api.initialize()).unwrap();
        Self { runtime, api }
    }

    /// The rows of a table, sorted by key.
    pub(crate) fn rows(&self, table: &str) -> Vec<Value> {
        let mut entries = self.runtime.block_on(self.api.get_all_entries(table, None)).unwrap();
        entries.sort_by(|one, other| one.place.cmp(&other.place));
        entries.iter().map(|entry| serde_json::from_slice(&entry.value).unwrap()).collect()
    }

    /// Waits until a table has this number of rows, and returns them.
    pub(crate) fn wait_for_rows(&self, table: &str, count: usize) -> Vec<Value> {
        until(&format!("{count} rows of table {table}"), || {
            Some(self.rows(table)).filter(|rows| rows.len() == count)
        })
    }

    /// Writes a row without publishing it.
    pub(crate) fn write(&self, table: &str, key: &str, value: impl ToString) {
        let write = self.api.create_key(RowName::new(table, key), value.to_string().into(), true);
        self.runtime.block_on(write).unwrap();
    }

    pub(crate) fn delete(&self, table: &str, key: &str) {
        self.runtime.block_on(self.api.delete_key(RowName::new(table, key))).unwrap();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.api.close());
    }
}
