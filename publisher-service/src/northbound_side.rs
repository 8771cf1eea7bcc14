use std::collections::BTreeMap;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use northbound::{DatabaseSettings, Directory, ServiceReport, TableMonitor};
use pubsub_api::database::DbApi;
use pubsub_api::settings::{Settings, endpoint};
use pubsub_api::{Backoff, ErrorKind, Publisher, Result, Status, Tally};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// What the service does with the northbound database, beside forwarding and never in its way: its row in the directory of
/// publishers, those of others that have ended, the tables that are watched, and its word that it is alive.
///
/// A database that cannot be opened is told once per cause, and tried again until it can be.
#[derive(Debug)]
pub(crate) struct NorthboundSide {
    parts: Arc<Parts>,
    running: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Parts {
    publisher: Arc<dyn Publisher>,
    publisher_id: String,
    alias: String,
    database_settings: DatabaseSettings,
    host: Option<String>,
    database: Arc<dyn DbApi>,
    directory: OnceLock<Directory>,
    monitors: Vec<TableMonitor>,
    report: ServiceReport,
    unopened: Tally,
}

/// As what the service is in table `service`.
const BINARY: &str = "skimmer-publisher-service";

/// How long the database may take to close; all that it said is done is done.
const CLOSING: Duration = Duration::from_secs(1);

/// When a part that failed begins anew.
const RESTART: Duration = Duration::from_secs(1);

impl NorthboundSide {
    /// Checks the settings; opens and starts nothing. `host` is what the directory names if the publisher binds all
    /// addresses; a broker needs none.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if a table cannot be watched.
    pub(crate) fn new(
        database: Arc<dyn DbApi>,
        publisher: Arc<dyn Publisher>,
        publisher_id: &str,
        host: Option<String>,
        settings: &Settings,
    ) -> Result<Self> {
        let database_settings = DatabaseSettings::read(settings)?;
        let mut tables = database_settings.monitor_tables.clone();
        tables.sort();
        tables.dedup();
        let monitor = |table: &String| {
            let (database, publisher) = (Arc::clone(&database), Arc::clone(&publisher));
            let monitor =
                TableMonitor::new(database, publisher, table, database_settings.monitor_table_poll_time);
            monitor.map(|monitor| monitor.keep_in(&settings.pubsub().state_dir))
        };
        let monitors = tables.iter().map(monitor).collect::<Result<_>>()?;
        let interval = database_settings.report_interval;
        let report = ServiceReport::new(Arc::clone(&database), BINARY, publisher_id, interval);
        let parts = Parts {
            publisher,
            publisher_id: publisher_id.to_owned(),
            alias: settings.pubsub().nb_db_class.clone(),
            database_settings,
            host,
            database,
            directory: OnceLock::new(),
            monitors,
            report,
            unopened: Tally::new("opening_failures"),
        };
        Ok(Self { parts: Arc::new(parts), running: None })
    }

    /// Opens the database in the background, and begins. `address`: where agents connect to, if they do.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the address cannot be told to others.
    pub(crate) fn start(&mut self, address: Option<&str>) -> Result<()> {
        let parts = &self.parts;
        let host = parts.host.as_deref().unwrap_or(&parts.database_settings.management_ip);
        let address = address.map(|address| public_address(address, host));
        let address = address.transpose()?;
        parts.directory.get_or_init(|| parts.directory_at(address));
        self.running = Some(tokio::spawn(run(Arc::clone(parts))));
        Ok(())
    }

    /// A view of the status that outlives it.
    pub(crate) fn status_reader(&self) -> impl Fn() -> BTreeMap<String, Status> + Send + Sync + 'static {
        let parts = Arc::clone(&self.parts);
        move || parts.status()
    }

    /// Ends it, and closes the database. What was not published is found after the next start; the rows stay.
    pub(crate) async fn stop(self) {
        if let Some(running) = self.running {
            running.abort();
            // It was aborted.
            let _ = running.await;
        }
        match timeout(CLOSING, self.parts.database.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("the northbound database did not close well: {error}"),
            Err(_) => tracing::warn!("the northbound database did not close within {CLOSING:?}"),
        }
    }
}

impl Parts {
    fn directory_at(&self, address: Option<String>) -> Directory {
        let (database, publisher) = (Arc::clone(&self.database), Arc::clone(&self.publisher));
        let timeout = self.database_settings.publisher_timeout;
        match address {
            Some(uri) => Directory::new(database, publisher, (self.publisher_id.clone(), uri), timeout),
            None => Directory::observer(database, publisher, timeout),
        }
    }

    /// Returns when the database is open, or closed for good.
    async fn open(&self) {
        let (alias, mut backoff) = (&self.alias, Backoff::default());
        let mut told: Vec<ErrorKind> = Vec::new();
        while let Err(error) = self.database.initialize().await {
            let kind = error.kind();
            self.unopened.count(kind.as_str(), Instant::now());
            if !told.contains(&kind) {
                told.push(kind);
                let so = format!(
                    "the northbound database ({alias}) cannot be opened, and is tried again until it can: {error}; \
                     meanwhile nobody finds this service there, and no table is watched"
                );
                // Time alone does not mend it.
                if kind == ErrorKind::Settings { tracing::error!("{so}") } else { tracing::warn!("{so}") }
            }
            sleep(backoff.next_delay(fastrand::f64())).await;
        }
        tracing::info!("the northbound database ({alias}) is open");
    }

    async fn keep_directory(&self) {
        if let Some(directory) = self.directory.get() {
            directory.run().await;
        }
    }

    fn status(&self) -> BTreeMap<String, Status> {
        let mut directory = self.directory.get().map(Directory::status).unwrap_or_default();
        directory.merge(self.report.status());
        let mut monitors = Status::default();
        self.monitors.iter().for_each(|monitor| monitors.merge(monitor.status()));
        let mut database = self.database.status();
        database.counters.extend(self.unopened.read());
        BTreeMap::from([
            ("directory".to_owned(), directory),
            ("monitors".to_owned(), monitors),
            ("database".to_owned(), database),
        ])
    }
}

/// Runs all parts, each by itself, until the future is dropped.
async fn run(parts: Arc<Parts>) {
    parts.open().await;
    let mut tasks = JoinSet::new();
    let of_directory = Arc::clone(&parts);
    tasks.spawn(async move { supervise("directory", || of_directory.keep_directory()).await });
    let of_report = Arc::clone(&parts);
    tasks.spawn(async move { supervise("report", || of_report.report.run()).await });
    for number in 0..parts.monitors.len() {
        let of_monitor = Arc::clone(&parts);
        tasks.spawn(async move {
            if let Some(monitor) = of_monitor.monitors.get(number) {
                supervise("monitor", || monitor.run()).await;
            }
        });
    }
    tasks.join_all().await;
}

/// Begins a part anew when it fails: a defect of a driver ends none (docs/guarantees.md#f16).
async fn supervise<Part: Future<Output = ()>>(name: &'static str, begin: impl Fn() -> Part) {
    while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
        tracing::error!(part = name, "a part of the service failed, and begins anew");
        sleep(RESTART).await;
    }
}

/// The address at which others reach what is bound at `bound`: of all addresses of a host, `host`.
fn public_address(bound: &str, host_of_all: &str) -> Result<String> {
    let Some((transport, (host, port))) =
        bound.split_once("://").and_then(|(transport, address)| Some((transport, address.rsplit_once(':')?)))
    else {
        return Ok(bound.to_owned());
    };
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if host != "*" && !ip.is_ok_and(|ip| ip.is_unspecified()) {
        return Ok(bound.to_owned());
    }
    endpoint(transport, host_of_all, port.parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::public_address;

    #[test]
    fn of_all_addresses_of_a_host_others_are_told_the_one_for_them() {
        for (bound, host, public) in [
            ("tcp://127.0.0.1:8866", "192.0.2.1", "tcp://127.0.0.1:8866"),
            ("tcp://*:8866", "192.0.2.1", "tcp://192.0.2.1:8866"),
            ("tcp://0.0.0.0:8866", "api-1.example.org", "tcp://api-1.example.org:8866"),
            ("tcp://[::]:8866", "2001:db8::1", "tcp://[2001:db8::1]:8866"),
            ("tcp://[::1]:8866", "192.0.2.1", "tcp://[::1]:8866"),
            ("memory://host:1", "192.0.2.1", "memory://host:1"),
        ] {
            assert_eq!(public_address(bound, host).unwrap(), public, "{bound}");
        }
    }
}
