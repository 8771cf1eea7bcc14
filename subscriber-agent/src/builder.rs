use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use delivery::subscriber::TrackedSubscriber;
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result, Subscription};
use subscriber_agent_settings::AgentSettings;
use tokio::sync::{mpsc, watch};

use crate::agent::{Io, Synced};
use crate::asked::Asked;
use crate::intake::Intake;
use crate::keeping::{Keeping, KeepingCounters};
use crate::sync::{Source, Syncing};
use crate::{
    Agent, Dispatcher, Handler, OnFailure, Output, QueueLimits, Reports, Route, connects_to_publishers,
    tracked_subscriber,
};

/// Makes an [`Agent`].
#[derive(Debug)]
pub struct AgentBuilder {
    subscriber: TrackedSubscriber,
    asked: Asked,
    extra: Vec<Subscription>,
    output: Output,
    dispatcher: Dispatcher,
    reports: Reports,
    on_failure: OnFailure,
    keeping: Option<Keeping>,
    keeping_counters: Arc<KeepingCounters>,
    connects: bool,
    syncing: Option<Syncing>,
}

/// How many lines of others wait for the output.
const LINES: usize = 8;

impl AgentBuilder {
    /// From the settings: the network driver, the database if it is used, `publishers_ips`, `agent.topics` and `agent.patterns`, how long handlers' queues
    /// are and what follows when a handler fails.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias, settings that the driver refuses, a topic or pattern that is
    /// none.
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
            asked: Asked::of(settings, connects, &[])?,
            extra: Vec::new(),
            output: Output::none(),
            dispatcher,
            reports,
            on_failure: OnFailure::of(&agent),
            keeping: None,
            keeping_counters: Arc::default(),
            connects,
            syncing: Source::of(registry, settings)?
                .map(|source| Syncing::new(source, settings, connects))
                .transpose()?,
        })
    }

    /// Subscribes to more than the settings say, also after they are read again.
    #[must_use]
    pub fn subscribe(mut self, more: Vec<Subscription>) -> Self {
        self.asked.add(&more);
        self.extra.extend(more);
        self
    }

    /// Writes events and notices there.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Keeps the table in this file, so often if something has changed, and goes on with what is there at the start. No two
    /// agents may have one file. A file that cannot be written or used is told and harms nothing else.
    #[must_use]
    pub fn keep_table(mut self, path: &Path, interval: Duration) -> Self {
        self.keeping = Some(Keeping::new(path, interval, &self.keeping_counters));
        self
    }

    /// Gives the events of a route to a handler; starts its task on the current runtime. What follows when it fails is what
    /// the settings say.
    #[must_use]
    pub fn handler(self, route: Route, handler: Box<dyn Handler>) -> Self {
        let on_failure = self.on_failure;
        self.handler_with(route, handler, on_failure)
    }

    /// As [`handler`](Self::handler), and says what follows when this one fails.
    #[must_use]
    pub fn handler_with(mut self, route: Route, handler: Box<dyn Handler>, on_failure: OnFailure) -> Self {
        self.dispatcher.add(route, handler, on_failure);
        self
    }

    /// The agent, not yet started: nothing is connected.
    #[must_use]
    pub fn build(self) -> Arc<Agent> {
        let (lines, unwritten) = mpsc::channel(LINES);
        let synced = self.syncing.as_ref().map(|syncing| Synced {
            database: syncing.database(),
            counters: Arc::clone(&syncing.counters),
            other_rows: syncing.other_rows(),
        });
        let output_queue = self.output.queue();
        let io = Io::new(self.output, self.reports, unwritten, self.keeping, self.syncing);
        Arc::new(Agent {
            subscriber: self.subscriber,
            asked: Mutex::new(self.asked),
            extra: self.extra,
            intake: Intake::new(Instant::now(), wall()),
            dispatcher: self.dispatcher,
            io: tokio::sync::Mutex::new(io),
            connects: self.connects,
            found: Mutex::default(),
            synced,
            lines,
            stopping: watch::Sender::new(false),
            keeping: self.keeping_counters,
            output_queue,
        })
    }
}

/// The wall clock of this host, since 1970.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
