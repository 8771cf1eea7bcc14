mod checks;
mod full_sync;
mod io;
mod publisher_list;
mod reporting;
mod room;
mod saving;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use delivery::subscriber::TrackedSubscriber;
use operations::NoticeJournal;
use pubsub_api::database::DbApi;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, QueueReading, Result, Status, Subscription};
use service_kit::WriteQueue;
use subscriber_agent_settings::AgentSettings;
use table::Table;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout_at;

use crate::desired_state::DesiredState;
use crate::sync::SyncCounters;
use crate::table_store::TableStoreCounters;
use crate::table_updater::TableUpdater;
use crate::{AgentNotice, Dispatcher};
pub(crate) use io::Io;

/// A subscriber agent in this process, made by [`AgentBuilder`](crate::AgentBuilder) and running in [`run`](Agent::run).
///
/// It is shared as an `Arc`: one task runs it, others stop it, change its topics or read its table.
///
/// Call [`start`](Agent::start) once, [`run`](Agent::run) until it returns, then [`drain`](Agent::drain), and
/// [`flush`](Agent::flush) if lines may wait. [`stop`](Agent::stop), [`apply`](Agent::apply), [`table`](Agent::table)
/// and [`status`](Agent::status) can be called from any task meanwhile.
#[derive(Debug)]
pub struct Agent {
    pub(crate) subscriber: TrackedSubscriber,
    pub(crate) desired: Mutex<DesiredState>,
    /// Whether it connects to publishers (`false`: to a broker).
    pub(crate) connects: bool,
    /// The publisher addresses from the directory.
    pub(crate) found: Mutex<BTreeSet<String>>,
    /// The full sync, if the database is used.
    pub(crate) sync: Option<SyncHandle>,
    /// The subscriptions that are not in the settings.
    pub(crate) extra: Vec<Subscription>,
    pub(crate) updater: TableUpdater,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) io: tokio::sync::Mutex<Io>,
    /// Lines from other tasks for the output.
    pub(crate) lines: mpsc::Sender<String>,
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) store_counters: Arc<TableStoreCounters>,
    /// What happened lately, for the status page.
    pub(crate) notices: Arc<NoticeJournal>,
    /// The queue of the output, for the status.
    pub(crate) output_queue: Option<Arc<WriteQueue>>,
}

/// The parts of the full sync that other tasks than the running one use.
#[derive(Debug)]
pub(crate) struct SyncHandle {
    pub(crate) database: Option<Arc<dyn DbApi>>,
    pub(crate) counters: Arc<SyncCounters>,
    pub(crate) subscriptions_changed: Arc<Notify>,
}

impl Agent {
    /// Restores the saved table, registers addresses and topics, starts to connect, and writes `{"notice":"ready"}`. Call it
    /// once, before [`run`](Self::run).
    ///
    /// # Errors
    /// Any error of the driver. An unreachable publisher is not an error.
    pub async fn start(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        self.restore_saved(&mut io).await;
        self.desired().apply(&DesiredState::default(), &self.subscriber)?;
        self.subscriber.initialize().await?;
        io.output.agent_notice(&AgentNotice::Ready).await?;
        io.output.flush().await
    }

    /// Ends [`run`](Self::run) after the current event.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Closes the links, processes the received events, waits at most `grace` for the handlers, and saves the table. Call it
    /// after [`run`](Self::run) has ended.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the handlers did not finish within the grace, or the output cannot be written.
    pub async fn drain(&self, grace: Duration) -> Result<()> {
        let deadline = Instant::now() + grace;
        self.subscriber.close().await;
        let taken = timeout_at(deadline.into(), self.process_rest()).await;
        let finished = self.dispatcher.finish(deadline.saturating_duration_since(Instant::now())).await;
        let Ok(taken) = taken else {
            // The table has changes that were not delivered, so the file from before is the correct one.
            let text = format!(
                "could not deliver all received events within {grace:?} (agent.drain_timeout); the table of this run is not \
                 saved"
            );
            return Err(Error::new(ErrorKind::Unavailable, text));
        };
        if taken.is_ok() {
            self.save_last().await;
        }
        taken.and(finished)
    }

    /// Applies the addresses and subscriptions of reloaded settings: adds the new ones and removes the others.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for an invalid topic or pattern or for too many of them, and any error of the driver. After an
    /// error the old addresses and subscriptions stay.
    pub fn apply(&self, settings: &Settings) -> Result<()> {
        let new = DesiredState::of(settings, self.connects, &self.extra)?;
        let table_bytes = AgentSettings::read(settings)?.table_bytes;
        let found = self.found();
        let mut desired = self.desired();
        new.apply(&desired, &self.subscriber)?;
        *desired = new;
        self.table().set_bound(table_bytes);
        if let Some(SyncHandle { subscriptions_changed, .. }) = &self.sync {
            subscriptions_changed.notify_one();
        }
        for endpoint in found.iter() {
            // It may have been removed because the settings do not name it any more.
            self.subscriber.register_listen_address(endpoint)?;
        }
        Ok(())
    }

    pub(crate) fn found(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn desired(&self) -> MutexGuard<'_, DesiredState> {
        self.desired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current table. The agent does not process events while the guard is held, so copy what you need.
    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.updater.table()
    }

    /// Writes one line to the output, between events. If 8 lines already wait, the line is dropped with a warning.
    pub fn write_line(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            tracing::warn!(id = "SK0111", "dropped a line for stdout: its reader does not read");
        }
    }

    /// Writes the waiting lines to the output and waits until everything is written. Call it after [`run`](Self::run) has
    /// ended.
    ///
    /// # Errors
    /// As [`Output::written`](crate::Output::written).
    pub async fn flush(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        io.write_lines().await?;
        io.output.written().await
    }

    /// The number of output bytes that are not written yet.
    pub(crate) fn unwritten_output(&self) -> usize {
        self.output_queue.as_ref().map_or(0, |queue| queue.unwritten())
    }

    /// The agent's rows that are absent in the database, as a queue: they wait for confirmation.
    fn absent_rows(&self) -> QueueReading {
        let table = self.table();
        QueueReading::new(
            "absent_rows",
            "rows",
            (table.unconfirmed(), table.len()),
            "they are deleted after they have been absent in the database for agent.sync_delete_after, or for \
                        agent.sync_mass_delete_after if they are many",
        )
    }

    /// Counters, queues and peers by part; the state of each publisher is in part `delivery`.
    #[must_use]
    pub fn status(&self) -> BTreeMap<String, Status> {
        let counters = self.updater.counters().into_iter().chain(self.store_counters.read()).collect();
        let (named, latencies) = (vec![self.updater.by_table()], vec![self.updater.apply_latency()]);
        let mut parts = BTreeMap::from([
            ("agent".to_owned(), Status { counters, named, latencies, ..Status::default() }),
            ("delivery".to_owned(), self.subscriber.delivery_status()),
            ("handlers".to_owned(), self.dispatcher.status()),
            ("network".to_owned(), self.subscriber.status()),
        ]);
        let table = self.table_reading();
        parts.entry("agent".to_owned()).and_modify(|agent| agent.queues.push(table));
        if let (Some(queue), Some(agent)) = (&self.output_queue, parts.get_mut("agent")) {
            agent.queues.push(queue.reading("output", "the agent stops receiving until the output is read"));
        }
        if let Some(SyncHandle { database, counters, .. }) = &self.sync {
            let mut status = database.as_ref().map(|database| database.status()).unwrap_or_default();
            status.counters.extend(counters.read());
            status.queues.push(self.absent_rows());
            parts.insert("database".to_owned(), status);
        }
        parts
    }
}
