use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::database::{DbApi, RowName};
use pubsub_api::{CauseCounter, Counter, Error, ErrorKind, Result, Status};

use crate::{PublisherRow, SERVICE_TABLE, ServiceRow};

/// Reports periodically in the northbound database that a program is alive (docs/dragonflow.md#publisher-service). Nothing
/// is published.
///
/// The row stays when the program ends: it shows since when the program is down.
///
/// ```
/// use drivers_memory as _;
/// use northbound::{SERVICE_TABLE, ServiceReport, ServiceRow};
/// use pubsub_api::Registry;
/// use pubsub_api::settings::PubSub;
/// use settings::Sources;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> pubsub_api::Result<()> {
/// let registry = Registry::collect()?;
/// let (settings, _) = settings::load(&Sources::default(), &[PubSub::TABLE], &registry.settings())?;
/// let database = registry.open_database("memory_nb_db_driver", &settings)?;
/// database.initialize().await?;
///
/// let seconds = Duration::from_secs;
/// let report = ServiceReport::new(database.clone(), "example", "instance-1", seconds(25));
/// report.write(seconds(1000)).await?;
/// for entry in database.get_all_entries(SERVICE_TABLE, None).await? {
///     assert!(ServiceRow::parse(&entry.value)?.is_up(seconds(1080), seconds(80)));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ServiceReport {
    database: Arc<dyn DbApi>,
    chassis: String,
    binary: &'static str,
    identity: String,
    interval: Duration,
    written: Counter,
    failed: CauseCounter,
}

/// Limit of attempts to write a row that others change at the same time.
const ATTEMPTS: usize = 8;

impl ServiceReport {
    /// For the program `binary` on this host; `identity` distinguishes programs of the same name on this host; `interval` is
    /// `report_interval`.
    #[must_use]
    pub fn new(
        database: Arc<dyn DbApi>,
        binary: &'static str,
        identity: impl Into<String>,
        interval: Duration,
    ) -> Self {
        Self {
            database,
            chassis: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            binary,
            identity: identity.into(),
            interval,
            written: Counter::new("reports_written"),
            failed: CauseCounter::new("report_failures"),
        }
    }

    /// Writes the row at once, and then every `interval`, until the future is dropped. Failures are logged at a limited rate,
    /// counted, and retried after the interval.
    ///
    /// # Cancel safety
    /// If the future is dropped, the last report may or may not be written; nothing else changes.
    pub async fn run(&self) {
        loop {
            if let Err(error) = self.write(PublisherRow::now()).await
                && let Some(times) = self.failed.count(error.kind().as_str(), Instant::now())
            {
                tracing::warn!(id = "SK0811", times, "cannot report that {} is alive: {error}", self.binary);
            }
            tokio::time::sleep(self.interval).await;
        }
    }

    /// Writes the row once. It keeps the `disabled` mark of the row.
    ///
    /// # Errors
    /// Those of the database, and [`ErrorKind::Conflict`] if other writers were faster in each attempt.
    pub async fn write(&self, now: Duration) -> Result<()> {
        let new = ServiceRow::new(&self.chassis, self.binary, &self.identity, now);
        let name = RowName::new(SERVICE_TABLE, &new.id);
        for _ in 0..ATTEMPTS {
            let held = self.database.get_batch(&[name]).await?.pop().flatten();
            // A row that cannot be read is overwritten: it was not written by a compatible program.
            let row = match held.as_deref().map(ServiceRow::parse) {
                Some(Ok(known)) => ServiceRow {
                    disabled: known.disabled,
                    disabled_reason: known.disabled_reason,
                    ..new.clone()
                },
                _ => new.clone(),
            };
            if self.database.compare_and_set(name, held.as_deref(), Some(row.to_json())).await? {
                self.written.add(1);
                return Ok(());
            }
        }
        let text = format!("row {name} was changed by others {ATTEMPTS} times");
        Err(Error::new(ErrorKind::Conflict, text))
    }

    /// The counters.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut counters = vec![self.written.read()];
        counters.extend(self.failed.read());
        Status { counters, ..Status::default() }
    }
}
