mod compare;
mod io;
mod keep;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use delivery::subscriber::TrackedSubscriber;
use pubsub_api::database::DbApi;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, QueueReading, Result, Status, Subscription};
use service_kit::WriteQueue;
use table::Table;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout_at;

use crate::asked::Asked;
use crate::intake::Intake;
use crate::keeping::KeepingCounters;
use crate::sync::SyncCounters;
use crate::{AgentNotice, Dispatcher};
pub(crate) use io::Io;

/// A subscriber agent within this process: made by [`AgentBuilder`](crate::AgentBuilder), at work in [`run`](Agent::run).
///
/// It is shared by `Arc`: one task runs it, others stop it, change its topics or read its table.
#[derive(Debug)]
pub struct Agent {
    pub(crate) subscriber: TrackedSubscriber,
    pub(crate) asked: Mutex<Asked>,
    /// Whether it connects to publishers, and not to a broker.
    pub(crate) connects: bool,
    /// Where the directory says that publishers are.
    pub(crate) found: Mutex<BTreeSet<String>>,
    /// The database, if it is used.
    pub(crate) synced: Option<Synced>,
    /// Asked for besides what the settings say.
    pub(crate) extra: Vec<Subscription>,
    pub(crate) intake: Intake,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) io: tokio::sync::Mutex<Io>,
    /// Lines of others for the output.
    pub(crate) lines: mpsc::Sender<String>,
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) keeping: Arc<KeepingCounters>,
    /// What waits to be written, for the status.
    pub(crate) output_queue: Option<Arc<WriteQueue>>,
}

/// What others than the running task see of comparisons with the database.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) database: Option<Arc<dyn DbApi>>,
    pub(crate) counters: Arc<SyncCounters>,
    pub(crate) other_rows: Arc<Notify>,
}

impl Agent {
    /// Takes up the table that was kept, registers addresses and topics, begins to connect, and announces
    /// `{"notice":"ready"}`. Call it once, before [`run`](Self::run).
    ///
    /// # Errors
    /// Whatever the driver refuses. Absent publishers are no error.
    pub async fn start(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        self.take_up(&mut io).await;
        self.asked().apply(&Asked::default(), &self.subscriber)?;
        self.subscriber.initialize().await?;
        io.output.agent_notice(&AgentNotice::Ready).await?;
        io.output.flush().await
    }

    /// Lets [`run`](Self::run) end after the event in hand.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Ends the links, takes what had arrived, lets the handlers finish within `grace`, and keeps the table. Call it when
    /// [`run`](Self::run) has ended.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the grace was too short for the handlers, or the output cannot be written.
    pub async fn drain(&self, grace: Duration) -> Result<()> {
        let deadline = Instant::now() + grace;
        self.subscriber.close().await;
        let taken = timeout_at(deadline.into(), self.take_rest()).await;
        let finished = self.dispatcher.finish(deadline.saturating_duration_since(Instant::now())).await;
        let Ok(taken) = taken else {
            // The table has more than was handed on: what was kept before is the truth.
            let text = format!("what had arrived was not handed on within {grace:?} (agent.drain_timeout)");
            return Err(Error::new(ErrorKind::Unavailable, text));
        };
        if taken.is_ok() {
            self.keep_last().await;
        }
        taken.and(finished)
    }

    /// Asks for what the settings now say, and gives up what they no longer say.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for a topic or pattern that is none or for too many, and whatever the driver refuses:
    /// then all is as it was.
    pub fn apply(&self, settings: &Settings) -> Result<()> {
        let new = Asked::of(settings, self.connects, &self.extra)?;
        let found = self.found();
        let mut asked = self.asked();
        new.apply(&asked, &self.subscriber)?;
        *asked = new;
        if let Some(Synced { other_rows, .. }) = &self.synced {
            other_rows.notify_one();
        }
        for endpoint in found.iter() {
            // One that the settings named, and do not name any more.
            self.subscriber.register_listen_address(endpoint)?;
        }
        Ok(())
    }

    pub(crate) fn found(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The table as it is now. The agent does not receive while the guard lives: copy what is needed.
    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.intake.table()
    }

    /// Writes one line to the output, between events; if nobody has taken the last few, it is left out.
    pub fn write_line(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            tracing::warn!("a line was left out: nobody reads the output");
        }
    }

    /// Writes what waits for the output, and waits until it is written. Call it when [`run`](Self::run) has ended.
    ///
    /// # Errors
    /// As [`Output::written`](crate::Output::written).
    pub async fn flush(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        io.write_lines().await?;
        io.output.written().await
    }

    /// The bytes of output that nobody has read yet.
    pub(crate) fn unwritten_output(&self) -> usize {
        self.output_queue.as_ref().map_or(0, |queue| queue.unwritten())
    }

    /// The rows that the database lacks, of all that the agent has.
    fn absent_rows(&self) -> QueueReading {
        let table = self.table();
        QueueReading {
            name: "absent_rows".to_owned(),
            depth: table.unconfirmed() as u64,
            bound: table.len() as u64,
            unit: "rows".to_owned(),
            when_full: "they are deleted when the database has lacked them for agent.sync_delete_after, and if they are \
                        many for agent.sync_mass_delete_after"
                .to_owned(),
        }
    }

    /// Counters, queues and peers by part; how it stands with each publisher is in `delivery`.
    #[must_use]
    pub fn status(&self) -> BTreeMap<String, Status> {
        let counters = self.intake.counters().into_iter().chain(self.keeping.read()).collect();
        let mut parts = BTreeMap::from([
            ("agent".to_owned(), Status { counters, ..Status::default() }),
            ("delivery".to_owned(), self.subscriber.delivery_status()),
            ("handlers".to_owned(), self.dispatcher.status()),
            ("network".to_owned(), self.subscriber.status()),
        ]);
        if let (Some(queue), Some(agent)) = (&self.output_queue, parts.get_mut("agent")) {
            agent.queues.push(queue.reading("output", "the agent stops reading until the output is read"));
        }
        if let Some(Synced { database, counters, .. }) = &self.synced {
            let mut status = database.as_ref().map(|database| database.status()).unwrap_or_default();
            status.counters.extend(counters.read());
            status.queues.push(self.absent_rows());
            parts.insert("database".to_owned(), status);
        }
        parts
    }
}
