use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use northbound::{DatabaseSettings, Directory, ServiceReport, TableMonitor};
use operations::ReadinessCheck;
use pubsub_api::database::DbApi;
use pubsub_api::settings::{Settings, endpoint};
use pubsub_api::{Backoff, CauseCounter, ErrorKind, Publisher, Result, Status};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// The service's work on the northbound database, independent of forwarding: its row in the directory of publishers, the
/// removal of rows of ended services, the watched tables, and its reports that it is alive.
///
/// If the database cannot be opened, it logs that once per cause and retries until it can.
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
    open_failures: CauseCounter,
    is_open: AtomicBool,
}

/// The value of `binary` in the service's row of table `service`.
const BINARY: &str = "skimmer-publisher-service";

/// The timeout of closing the database. Confirmed writes are not affected.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The delay before a part that panicked is restarted.
const RESTART_DELAY: Duration = Duration::from_secs(1);

impl NorthboundSide {
    /// Checks the settings; opens and starts nothing. `host` is the host for the directory if the publisher binds all
    /// addresses; `None` with a broker.
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
        let monitor = |table: &String| {
            let (database, publisher) = (Arc::clone(&database), Arc::clone(&publisher));
            let monitor =
                TableMonitor::new(database, publisher, table, database_settings.monitor_table_poll_time);
            monitor.map(|monitor| monitor.keep_in(&settings.pubsub().state_dir))
        };
        let tables: BTreeSet<&String> = database_settings.monitor_tables.iter().collect();
        let monitors = tables.into_iter().map(monitor).collect::<Result<_>>()?;
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
            open_failures: CauseCounter::new("opening_failures"),
            is_open: AtomicBool::new(false),
        };
        Ok(Self { parts: Arc::new(parts), running: None })
    }

    /// Opens the database in the background and starts the work. `address` is where agents connect; `None` with a broker.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if no address for the directory can be made from it.
    pub(crate) fn start(&mut self, address: Option<&str>) -> Result<()> {
        let parts = &self.parts;
        let host = parts.host.as_deref().unwrap_or(&parts.database_settings.management_ip);
        let address = address.map(|address| public_address(address, host));
        let address = address.transpose()?;
        parts.directory.get_or_init(|| parts.directory_at(address));
        self.running = Some(tokio::spawn(run(Arc::clone(parts))));
        Ok(())
    }

    /// A function that reads the status; it stays valid after `self` is dropped.
    pub(crate) fn status_reader(&self) -> impl Fn() -> BTreeMap<String, Status> + Send + Sync + 'static {
        let parts = Arc::clone(&self.parts);
        move || parts.status()
    }

    /// A function that checks whether the database is open; it stays valid after `self` is dropped.
    pub(crate) fn check_reader(&self) -> impl Fn() -> ReadinessCheck + Send + Sync + 'static {
        let parts = Arc::clone(&self.parts);
        move || match parts.is_open.load(Ordering::Relaxed) {
            true => ReadinessCheck::met("database", format!("{} is open", parts.alias)),
            false => ReadinessCheck::failed("database", format!("{} cannot be opened yet", parts.alias)),
        }
    }

    /// Stops the work and closes the database. The next start publishes the changes that were not published; the rows of
    /// this service stay.
    pub(crate) async fn stop(self) {
        if let Some(running) = self.running {
            running.abort();
            // The result is always the cancellation.
            let _ = running.await;
        }
        match timeout(CLOSE_TIMEOUT, self.parts.database.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(id = "SK0803", "closing the northbound database failed: {error}")
            }
            Err(_) => {
                tracing::warn!(
                    id = "SK0803",
                    "closing the northbound database did not finish within {CLOSE_TIMEOUT:?}"
                )
            }
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

    /// Returns when the database is open.
    async fn open(&self) {
        let (alias, mut backoff) = (&self.alias, Backoff::default());
        let mut logged: Vec<ErrorKind> = Vec::new();
        while let Err(error) = self.database.initialize().await {
            let kind = error.kind();
            self.open_failures.count(kind.as_str(), Instant::now());
            if !logged.contains(&kind) {
                logged.push(kind);
                let text = format!(
                    "cannot open the northbound database ({alias}): {error}; retrying. Until it opens, this service is not \
                     in the directory and watches no table"
                );
                // A settings error does not go away without an operator.
                if kind == ErrorKind::Settings {
                    tracing::error!(id = "SK0802", "{text}")
                } else {
                    tracing::warn!(id = "SK0802", "{text}")
                }
            }
            sleep(backoff.next_delay(fastrand::f64())).await;
        }
        self.is_open.store(true, Ordering::Relaxed);
        tracing::info!(id = "SK0801", "the northbound database ({alias}) is open");
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
        database.counters.extend(self.open_failures.read());
        BTreeMap::from([
            ("directory".to_owned(), directory),
            ("monitors".to_owned(), monitors),
            ("database".to_owned(), database),
        ])
    }
}

/// Runs each part in its own task until the future is dropped.
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

/// Restarts a part that panics: a bug in a driver ends no part (docs/guarantees.md#f16).
async fn supervise<Part: Future<Output = ()>>(name: &'static str, start: impl Fn() -> Part) {
    while AssertUnwindSafe(start()).catch_unwind().await.is_err() {
        tracing::error!(
            id = "SK0816",
            part = name,
            "a part of the service panicked; it is restarted in {RESTART_DELAY:?}"
        );
        sleep(RESTART_DELAY).await;
    }
}

/// The address for the directory. If `bound` is a wildcard address, its host is replaced by `public_host`.
fn public_address(bound: &str, public_host: &str) -> Result<String> {
    let Some((transport, (host, port))) =
        bound.split_once("://").and_then(|(transport, address)| Some((transport, address.rsplit_once(':')?)))
    else {
        return Ok(bound.to_owned());
    };
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if host != "*" && !ip.is_ok_and(|ip| ip.is_unspecified()) {
        return Ok(bound.to_owned());
    }
    endpoint(transport, public_host, port.parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::public_address;

    #[test]
    fn the_directory_gets_the_bound_address_with_a_wildcard_replaced_by_the_public_host() {
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
