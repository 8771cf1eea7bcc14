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

use super::{Publishers, Read, Schedule, Scope, Source, SyncCounters};

/// The agent's side of the database: when it is read, what is under way, and where publishers are.
#[derive(Debug)]
pub(crate) struct Syncing {
    source: Arc<Source>,
    schedule: Schedule,
    publishers: Publishers,
    pub(crate) counters: Arc<SyncCounters>,
    /// Whether objects are published on their own topics.
    pub(crate) selective: bool,
    /// When rows that the database lacks are deleted.
    pub(crate) absence_rule: AbsenceRule,
    /// Whether the last reading lacked so many rows that their deletion was held back.
    is_holding: bool,
    /// Whether the directory is followed: not with a broker.
    follows: bool,
    /// That other rows are wanted than when the database was read.
    other_rows: Arc<Notify>,
    /// When there is something to do but for what is under way; asked for with each event, so it is not looked for then.
    due: Option<Instant>,
    under_way: Option<UnderWay>,
    /// The word that the agent is alive, where it reaches the database.
    report: Option<Arc<ServiceReport>>,
    reporting: Option<Task<()>>,
}

/// A task that ends with its value.
#[derive(Debug)]
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Task<Result<Read>> {
    /// Waits for its value; call it once.
    ///
    /// # Cancel safety
    /// If the future is dropped, it may be called again.
    async fn ended(&mut self) -> Result<Read> {
        (&mut self.0).await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Internal, "reading the database has failed").with_source(error))
        })
    }
}

#[derive(Debug)]
struct UnderWay {
    reason: String,
    began: Instant,
    read_at: u64,
    task: Task<Result<Read>>,
    read: Option<Result<Read>>,
}

/// The database was read, or could not be.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) reason: String,
    pub(crate) began: Instant,
    /// When reading began, by the wall clock in microseconds.
    pub(crate) read_at: u64,
    pub(crate) read: Result<Read>,
}

/// What `skimmer service list` calls this program.
const BINARY: &str = "skimmer-subscriber-agent";

impl Syncing {
    /// `follows` is whether publishers are to be found in the directory.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if a table of settings was not loaded.
    pub(crate) fn new(source: Source, settings: &Settings, follows: bool) -> Result<Self> {
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
            other_rows: Arc::default(),
            under_way: None,
            report: match &source {
                Source::Database(database) => {
                    let (database, interval) = (Arc::clone(database), database_settings.report_interval);
                    Some(Arc::new(ServiceReport::new(database, BINARY, identity, interval)))
                }
                Source::Publishers(_) => None,
            },
            reporting: None,
            source: Arc::new(source),
        })
    }

    /// Whether there is something to do now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let is_read = |it: &UnderWay| it.read.is_some() || it.task.0.is_finished();
        self.under_way.as_ref().is_some_and(is_read) || self.due.is_some_and(|due| due <= now)
    }

    /// Whether it is time to [begin](Self::begin).
    pub(crate) fn is_time_to_begin(&self, now: Instant) -> bool {
        self.schedule.is_due(now)
    }

    /// Something may be missing.
    pub(crate) fn want(&mut self, reason: &str, now: Instant) {
        self.schedule.want(reason, now, fastrand::f64());
        self.plan();
    }

    /// An event came; whether it was about a publisher.
    pub(crate) fn told(&mut self, event: &Event, now: Instant) -> bool {
        let is_told = self.follows && self.publishers.told(event, now);
        self.plan();
        is_told
    }

    /// The directory was read.
    pub(crate) fn listed(&mut self, rows: Vec<PublisherRow>, now: Instant) {
        if self.follows {
            self.publishers.listed(rows, now);
        }
        self.plan();
    }

    /// Another reading is wanted, at `at` or soon after, to confirm what this one did not find.
    pub(crate) fn read_again(&mut self, at: Instant) {
        self.schedule.confirm(at, fastrand::f64());
        self.plan();
    }

    /// Notes whether a reading lacked so many rows that their deletion is held back; whether the one before did not.
    pub(crate) fn holds(&mut self, is_held: bool) -> bool {
        self.counters.held.add(u64::from(is_held));
        let is_new = is_held && !self.is_holding;
        self.is_holding = is_held;
        is_new
    }

    /// Where publishers are, without those whose time has come and that do not `speak`.
    pub(crate) fn publishers(&mut self, now: Instant, speaks: impl Fn(&str) -> bool) -> BTreeSet<String> {
        self.publishers.leave_due(now, speaks);
        self.plan();
        self.publishers.endpoints()
    }

    fn plan(&mut self) {
        self.due = self.schedule.due().into_iter().chain(self.publishers.due()).min();
    }

    /// Whether there is somebody to ask, who is `live`, if somebody is to be asked; else it waits a moment.
    pub(crate) fn can_ask(&mut self, live: &[String], now: Instant) -> bool {
        let can_ask = !live.is_empty() || matches!(*self.source, Source::Database(_));
        if !can_ask {
            self.schedule.postpone(now);
            self.plan();
        }
        can_ask
    }

    /// Begins to read, if it is time.
    pub(crate) fn begin(&mut self, scope: Scope, now: Instant) {
        let Some(reason) = self.schedule.begin(now, fastrand::f64()) else { return };
        let (source, read_at) = (Arc::clone(&self.source), wall_us());
        let task = Task(tokio::spawn(async move { scope.read(&source).await }));
        self.under_way = Some(UnderWay { reason, began: now, read_at, task, read: None });
        self.plan();
    }

    /// What came of it, if it is done.
    pub(crate) fn finished(&mut self, now: Instant) -> Option<Finished> {
        let UnderWay { reason, began, read_at, mut task, read } =
            self.under_way.take_if(|it| it.read.is_some() || it.task.0.is_finished())?;
        let read = read.or_else(|| task.ended().now_or_never())?;
        match &read {
            Ok(_) => {
                self.schedule.done();
                self.begin_to_report();
            }
            Err(error) => {
                self.counters.failed.add(1);
                if self.schedule.failed(reason.clone(), now, fastrand::f64()) {
                    tracing::warn!("the database cannot be read, trying again: {error}");
                }
            }
        }
        self.plan();
        Some(Finished { reason, began, read_at, read })
    }

    /// The database is there: it is told that this agent is.
    fn begin_to_report(&mut self) {
        if self.reporting.is_none()
            && let Some(report) = self.report.clone()
        {
            self.reporting = Some(Task(tokio::spawn(async move { report.run().await })));
        }
    }

    /// Waits until there is something to do: [`begin`](Self::begin), [`finished`](Self::finished), or a publisher
    /// to leave.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost.
    pub(crate) async fn wake(&mut self) {
        let due = self.due;
        let read = async {
            match &mut self.under_way {
                Some(UnderWay { task, read, .. }) if read.is_none() => *read = Some(task.ended().await),
                Some(_) => {}
                None => pending().await,
            }
        };
        tokio::select! {
            () = read => {}
            () = self.other_rows.notified() => {
                self.schedule.want("the subscriptions have changed", Instant::now(), fastrand::f64());
                self.plan();
            }
            () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
        }
    }

    /// To be told when the subscriptions have changed.
    pub(crate) fn other_rows(&self) -> Arc<Notify> {
        Arc::clone(&self.other_rows)
    }

    /// The database itself, if it is reached, for its status.
    pub(crate) fn database(&self) -> Option<Arc<dyn DbApi>> {
        match &*self.source {
            Source::Database(database) => Some(Arc::clone(database)),
            Source::Publishers(_) => None,
        }
    }
}

fn wall_us() -> u64 {
    let since: Duration = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
