use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use northbound::{DatabaseSettings, PublisherRow, ServiceReport};
use pubsub_api::database::DbApi;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Event, Result};
use subscriber_agent_settings::AgentSettings;
use table::AbsenceRule;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep_until;

use super::{DatabaseRead, Publishers, Schedule, Scope, SyncCounters, SyncSource};

/// The full sync of the agent: its schedule, the running read, and the publisher addresses from the directory.
#[derive(Debug)]
pub(crate) struct FullSync {
    source: Arc<SyncSource>,
    schedule: Schedule,
    publishers: Publishers,
    pub(crate) counters: Arc<SyncCounters>,
    /// Whether objects are published on their own topics.
    pub(crate) selective: bool,
    /// When rows that are absent in the database are deleted.
    pub(crate) absence_rule: AbsenceRule,
    /// Whether the last read lacked too many rows to delete them at once.
    is_holding: bool,
    /// Whether the directory is followed; `false` with a broker.
    follows: bool,
    /// Notified when the subscriptions have changed.
    subscriptions_changed: Arc<Notify>,
    /// When the next action besides the running read is due. It is cached, because it is needed for each event.
    due: Option<Instant>,
    running: Option<RunningRead>,
    /// The reports that the agent is alive, if it has access to the database.
    report: Option<Arc<ServiceReport>>,
    reporting: Option<Task<()>>,
}

/// A task that is aborted when it is dropped.
#[derive(Debug)]
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Task<Result<DatabaseRead>> {
    /// Waits for the result. Call it until it returns once.
    ///
    /// # Cancel safety
    /// If the future is dropped, it may be called again.
    async fn ended(&mut self) -> Result<DatabaseRead> {
        (&mut self.0).await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Internal, "the task that reads the database panicked")
                .with_source(error))
        })
    }
}

#[derive(Debug)]
struct RunningRead {
    reason: String,
    started: Instant,
    read_at: u64,
    task: Task<Result<DatabaseRead>>,
    read: Option<Result<DatabaseRead>>,
}

/// The end of a read of the database.
#[derive(Debug)]
pub(crate) struct FinishedRead {
    pub(crate) reason: String,
    pub(crate) started: Instant,
    /// The start of the read on the wall clock, in microseconds since 1970.
    pub(crate) read_at: u64,
    pub(crate) read: Result<DatabaseRead>,
}

/// The name of this program in `skimmer service list`.
const BINARY: &str = "skimmer-subscriber-agent";

impl RunningRead {
    /// Takes the result of the read if it has ended. In a task of the runtime whose budget is used up, an ended read is not ready
    /// either: it stays for the next call.
    fn look(&mut self) {
        if self.read.is_none() && self.task.0.is_finished() {
            self.read = self.task.ended().now_or_never();
        }
    }
}

impl FullSync {
    /// `follows`: whether publisher addresses are read from the directory.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if a table of settings was not loaded.
    pub(crate) fn new(source: SyncSource, settings: &Settings, follows: bool) -> Result<Self> {
        let (database_settings, agent) = (DatabaseSettings::read(settings)?, AgentSettings::read(settings)?);
        let identity = settings.pubsub().state_dir.display().to_string();
        let schedule = Schedule::new(database_settings.db_sync_time, Instant::now(), fastrand::f64());
        Ok(Self {
            due: schedule.due(),
            schedule,
            publishers: Publishers::new(database_settings.publisher_timeout),
            counters: Arc::default(),
            selective: database_settings.enable_selective_topology_distribution,
            absence_rule: AbsenceRule {
                confirm_after: agent.sync_delete_after,
                max_percent: agent.sync_max_delete_percent,
                mass_after: agent.sync_mass_delete_after,
            },
            is_holding: false,
            follows,
            subscriptions_changed: Arc::default(),
            running: None,
            report: match &source {
                SyncSource::Database(database) => {
                    let (database, interval) = (Arc::clone(database), database_settings.report_interval);
                    Some(Arc::new(ServiceReport::new(database, BINARY, identity, interval)))
                }
                SyncSource::Publishers(_) => None,
            },
            reporting: None,
            source: Arc::new(source),
        })
    }

    /// Whether an action is due now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let is_read = |it: &RunningRead| it.read.is_some() || it.task.0.is_finished();
        self.running.as_ref().is_some_and(is_read) || self.due.is_some_and(|due| due <= now)
    }

    /// Whether a sync should [start](Self::start).
    pub(crate) fn is_sync_due(&self, now: Instant) -> bool {
        self.schedule.is_due(now)
    }

    /// Requests a sync, because rows may be missing.
    pub(crate) fn request(&mut self, reason: &str, now: Instant) {
        self.schedule.request(reason, now, fastrand::f64());
        self.plan();
    }

    /// Applies an event. Returns whether it was about a publisher.
    pub(crate) fn on_event(&mut self, event: &Event, now: Instant) -> bool {
        let has_changed = self.follows && self.publishers.on_event(event, now);
        self.plan();
        has_changed
    }

    /// Applies a read of the directory.
    pub(crate) fn on_directory(&mut self, rows: Vec<PublisherRow>, now: Instant) {
        if self.follows {
            self.publishers.on_directory(rows, now);
        }
        self.plan();
    }

    /// Requests another read at `at` or soon after, to confirm that rows are absent.
    pub(crate) fn confirm_at(&mut self, at: Instant) {
        self.schedule.confirm(at, fastrand::f64());
        self.plan();
    }

    /// Notes whether too many rows are absent to delete them at once. Returns whether this is new.
    pub(crate) fn note_held(&mut self, is_held: bool) -> bool {
        self.counters.held.add(u64::from(is_held));
        let is_new = is_held && !self.is_holding;
        self.is_holding = is_held;
        is_new
    }

    /// The publisher addresses, after dropping removed publishers that are not connected (`is_connected`).
    pub(crate) fn publishers(
        &mut self,
        now: Instant,
        is_connected: impl Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        self.publishers.drop_expired(now, is_connected);
        self.plan();
        self.publishers.endpoints()
    }

    fn plan(&mut self) {
        self.due = self.schedule.due().into_iter().chain(self.publishers.due()).min();
    }

    /// Whether there is a source to read from. If rows come from publishers and none is connected, delays the sync.
    pub(crate) fn has_source(&mut self, live: &[String], now: Instant) -> bool {
        let has_source = !live.is_empty() || matches!(*self.source, SyncSource::Database(_));
        if !has_source {
            self.schedule.postpone(now);
            self.plan();
        }
        has_source
    }

    /// Starts to read if a sync is due.
    pub(crate) fn start(&mut self, scope: Scope, now: Instant) {
        let Some(reason) = self.schedule.start(now, fastrand::f64()) else { return };
        let (source, read_at) = (Arc::clone(&self.source), wall_us());
        let task = Task(tokio::spawn(async move { scope.read(&source).await }));
        self.running = Some(RunningRead { reason, started: now, read_at, task, read: None });
        self.plan();
    }

    /// The result of the running read, if it has ended.
    pub(crate) fn finished(&mut self, now: Instant) -> Option<FinishedRead> {
        self.running.as_mut()?.look();
        let RunningRead { reason, started, read_at, read, .. } =
            self.running.take_if(|it| it.read.is_some())?;
        let read = read?;
        match &read {
            Ok(_) => {
                self.schedule.done();
                self.start_reports();
            }
            Err(error) => {
                self.counters.failed.add(1);
                if self.schedule.failed(reason.clone(), now, fastrand::f64()) {
                    tracing::warn!(
                        id = "SK0617",
                        "cannot read the database for a full sync, retrying: {error}"
                    );
                }
            }
        }
        self.plan();
        Some(FinishedRead { reason, started, read_at, read })
    }

    /// Starts the reports that the agent is alive, because the database is reachable.
    fn start_reports(&mut self) {
        if self.reporting.is_none()
            && let Some(report) = self.report.clone()
        {
            self.reporting = Some(Task(tokio::spawn(async move { report.run().await })));
        }
    }

    /// Waits until there is something to do: [`start`](Self::start), [`finished`](Self::finished), or dropping a publisher.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost.
    pub(crate) async fn wake(&mut self) {
        let due = self.due;
        let read = async {
            match &mut self.running {
                Some(RunningRead { task, read, .. }) if read.is_none() => *read = Some(task.ended().await),
                Some(_) => {}
                None => pending().await,
            }
        };
        tokio::select! {
            () = read => {}
            () = self.subscriptions_changed.notified() => {
                self.schedule.request("the subscriptions have changed", Instant::now(), fastrand::f64());
                self.plan();
            }
            () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
        }
    }

    /// The handle to notify when the subscriptions have changed.
    pub(crate) fn subscriptions_changed(&self) -> Arc<Notify> {
        Arc::clone(&self.subscriptions_changed)
    }

    /// The database, for its status, if the agent has access to it.
    pub(crate) fn database(&self) -> Option<Arc<dyn DbApi>> {
        match &*self.source {
            SyncSource::Database(database) => Some(Arc::clone(database)),
            SyncSource::Publishers(_) => None,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "stamps of other hosts have wall-clock times")]
fn wall_us() -> u64 {
    let since: Duration = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
