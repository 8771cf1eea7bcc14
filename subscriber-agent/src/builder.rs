use std::sync::{Arc, Mutex};

use pubsub_api::settings::Settings;
use pubsub_api::{Counter, Registry, Result, Role, Subscriber, Subscription, Tally};
use tokio::sync::{mpsc, watch};

use crate::agent::Io;
use crate::asked::Asked;
use crate::{Agent, Dispatcher, Handler, HandlerFailure, Output, Route};

/// Makes an [`Agent`].
#[derive(Debug)]
pub struct AgentBuilder {
    subscriber: Arc<dyn Subscriber>,
    asked: Asked,
    extra: Vec<Subscription>,
    output: Output,
    dispatcher: Dispatcher,
    failures: mpsc::Receiver<HandlerFailure>,
}

/// How many lines of others wait for the output.
const LINES: usize = 8;

impl AgentBuilder {
    /// From the settings: the network driver, `publishers_ips`, `agent.topics` and `agent.patterns`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) for an unknown alias, settings that the driver refuses, a topic or pattern that is
    /// none.
    pub fn new(registry: &Registry, settings: &Settings) -> Result<Self> {
        let subscriber = registry.open(settings, Role::Network)?.subscriber();
        let (dispatcher, failures) = Dispatcher::new(settings.agent().handler_queue_events);
        let asked = Asked::of(settings, &[])?;
        Ok(Self { subscriber, asked, extra: Vec::new(), output: Output::none(), dispatcher, failures })
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

    /// Gives the events of a route to a handler; starts its task on the current runtime.
    #[must_use]
    pub fn handler(mut self, route: Route, handler: Box<dyn Handler>) -> Self {
        self.dispatcher.add(route, handler);
        self
    }

    /// The agent, not yet started: nothing is connected.
    #[must_use]
    pub fn build(self) -> Arc<Agent> {
        let (lines, unwritten) = mpsc::channel(LINES);
        Arc::new(Agent {
            subscriber: self.subscriber,
            asked: Mutex::new(self.asked),
            extra: self.extra,
            table: Mutex::default(),
            dispatcher: self.dispatcher,
            io: tokio::sync::Mutex::new(Io {
                output: self.output,
                failures: self.failures,
                lines: unwritten,
            }),
            lines,
            stopping: watch::Sender::new(false),
            applied: Counter::new("events_applied"),
            dropped: Tally::new("events_dropped"),
        })
    }
}
