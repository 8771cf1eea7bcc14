use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use delivery::subscriber::TrackedSubscriber;
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result, Subscription};
use subscriber_agent_settings::AgentSettings;
use tokio::sync::{mpsc, watch};

use crate::agent::{Io, SyncHandle};
use crate::applied_reports::AppliedReports;
use crate::desired_state::DesiredState;
use crate::sync::{FullSync, SyncSource};
use crate::table_store::{TableStore, TableStoreCounters};
use crate::table_updater::TableUpdater;
use crate::wall_clock::wall;
use crate::{
    Agent, Dispatcher, EventFilter, Handler, OnFailure, Output, QueueLimits, Reports, connects_to_publishers,
    tracked_subscriber,
};

/// Makes an [`Agent`].
///
/// Handlers are independent: an event that matches the filters of several handlers is put into the queue of each of
/// them. An agent without handlers and without output still keeps its table.
#[derive(Debug)]
pub struct AgentBuilder {
    subscriber: TrackedSubscriber,
    desired: DesiredState,
    extra: Vec<Subscription>,
    output: Output,
    dispatcher: Dispatcher,
    reports: Reports,
    on_failure: OnFailure,
    store: Option<TableStore>,
    store_counters: Arc<TableStoreCounters>,
    connects: bool,
    full_sync: Option<FullSync>,
    table_bytes: usize,
    applied: AppliedReports,
}

/// The number of lines from other tasks that may wait for the output.
const LINES: usize = 8;

impl AgentBuilder {
    /// Starts from the settings: the network driver, the database if it is used, `publishers_ips`, `agent.topics`,
    /// `agent.patterns`, the limits of handler queues and the policy for handler failures.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias, settings that the driver refuses, an
    /// invalid topic or pattern, or a name that is too long.
    pub fn new(registry: &Registry, settings: &Settings) -> Result<Self> {
        let agent = AgentSettings::read(settings)?;
        let connects = connects_to_publishers(registry, settings)?;
        let (dispatcher, reports) = Dispatcher::new(QueueLimits {
            events: agent.handler_queue_events,
            bytes: agent.handler_queue_bytes,
            age: agent.handler_queue_age,
            conflate: agent.conflate,
        });
        Ok(Self {
            subscriber: tracked_subscriber(registry, settings)?,
            desired: DesiredState::of(settings, connects, &[])?,
            extra: Vec::new(),
            output: Output::none(),
            dispatcher,
            reports,
            on_failure: OnFailure::of(&agent),
            store: None,
            store_counters: Arc::default(),
            connects,
            table_bytes: agent.table_bytes,
            applied: AppliedReports::new(&agent, Instant::now())?,
            full_sync: SyncSource::of(registry, settings)?
                .map(|source| FullSync::new(source, settings, connects))
                .transpose()?,
        })
    }

    /// Adds subscriptions to those of the settings; a reload keeps them.
    #[must_use]
    pub fn subscribe(mut self, more: Vec<Subscription>) -> Self {
        self.desired.add(&more);
        self.extra.extend(more);
        self
    }

    /// Sets the output for events and notices.
    ///
    /// Without it the agent writes nothing. Of two outputs the later one counts.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Restores the table from this file at the start, and saves it there every `interval` if something has changed. Two
    /// agents must not share a file. A file that cannot be read or written is logged and has no other effect.
    #[must_use]
    pub fn keep_table(mut self, path: &Path, interval: Duration) -> Self {
        self.store = Some(TableStore::new(path, interval, &self.store_counters));
        self
    }

    /// Adds a handler for the events that match a filter and starts its task on the current runtime. The settings define what follows a
    /// failure.
    #[must_use]
    pub fn handler(self, filter: EventFilter, handler: Box<dyn Handler>) -> Self {
        let on_failure = self.on_failure;
        self.handler_with(filter, handler, on_failure)
    }

    /// As [`handler`](Self::handler), with a failure policy for this handler.
    #[must_use]
    pub fn handler_with(
        mut self,
        filter: EventFilter,
        handler: Box<dyn Handler>,
        on_failure: OnFailure,
    ) -> Self {
        self.dispatcher.add(filter, handler, on_failure);
        self
    }

    /// Returns the agent, not yet started and not connected.
    ///
    /// Before [`start`](Agent::start) only the tasks of the handlers and the thread of the output run.
    #[must_use]
    pub fn build(self) -> Arc<Agent> {
        let (lines, unwritten) = mpsc::channel(LINES);
        let sync = self.full_sync.as_ref().map(|full_sync| SyncHandle {
            database: full_sync.database(),
            counters: Arc::clone(&full_sync.counters),
            subscriptions_changed: full_sync.subscriptions_changed(),
        });
        let output_queue = self.output.queue();
        let io = Io::new(self.output, self.reports, self.applied, unwritten, self.store, self.full_sync);
        Arc::new(Agent {
            subscriber: self.subscriber,
            desired: Mutex::new(self.desired),
            extra: self.extra,
            updater: TableUpdater::new(Instant::now(), wall(), self.table_bytes),
            dispatcher: self.dispatcher,
            io: tokio::sync::Mutex::new(io),
            connects: self.connects,
            found: Mutex::default(),
            sync,
            lines,
            stopping: watch::Sender::new(false),
            store_counters: self.store_counters,
            output_queue,
            notices: Arc::default(),
        })
    }
}
