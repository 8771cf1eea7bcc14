//! A node: a process's place on a bus.

mod action_queue;
mod admission;
mod bus_action;
mod command;
mod commit;
mod core;
mod deferred_changes;
mod departure;
mod leader;
mod local_service;
mod own_threads;
mod registry_changes;
mod report;
mod task;
mod task_news;
mod ticket;
mod wall_clock;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pubsub_api::{Error, ErrorKind, PubSubApi, Result};
use serde_json::Value as Json;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use crate::service::CallItem;
use crate::{BusId, CallError, CallErrorKind, CallResult, NodeInstance, NodeOptions};

pub(crate) use admission::Admission;
pub(crate) use bus_action::BusAction;
pub(crate) use command::{Beginning, Command, LocalRules, NewCall};
pub(crate) use commit::Commit;
use departure::Departure;
pub(crate) use leader::{LEAD, RELEASE, is_reserved};
pub(crate) use local_service::no_method;
pub use registry_changes::RegistryChanges;
pub use report::{
    NodeReport, PeerReport, PublishedReport, ServiceOffer, SubscriberLag, SubscriptionReport, TopicReport,
};
use task_news::TaskNews;
pub(crate) use ticket::Ticket;

/// The number of commands that may wait for the task of a node; further ones wait in their callers.
const COMMANDS: usize = 4096;

/// A node on a bus. Clones stand for the same node, which stays on the bus until [`leave`](Self::leave).
#[derive(Clone)]
pub struct Node(Arc<NodeHandle>);

struct NodeHandle {
    options: NodeOptions,
    instance: NodeInstance,
    commands: mpsc::Sender<Command>,
    tickets: AtomicU64,
    /// Why the node is not on the bus any more.
    ended: watch::Receiver<Option<Departure>>,
    /// The revision of what the node knows of the bus.
    registry: watch::Receiver<u64>,
}

impl Node {
    /// Joins a bus over a network driver, opened for [`Role::Network`](pubsub_api::Role::Network) and not yet initialized.
    /// `is_broker` is its capability [`broker`](pubsub_api::Capabilities::broker): without a broker, nodes connect to each
    /// other, by the seeds.
    ///
    /// Returns after one and a half heartbeats, and with seeds when a peer is up, but no later than after 3 s. A node whose
    /// id is in use is refused in that time as a rule, and later if the bus or this host is slow: then
    /// [`ended`](Self::ended) returns the same error.
    ///
    /// The tasks of the node run on the current Tokio runtime: a method that blocks its threads delays heartbeats too. Declare
    /// it as a [`blocking_method`](crate::ServiceBuilder::blocking_method), or join
    /// [on own threads](Self::join_on_own_threads).
    ///
    /// # Errors
    /// As [`Publisher::initialize`](pubsub_api::Publisher::initialize);
    /// [`ErrorKind::AlreadyExists`] if another live node of the bus has the same id: the text names both.
    /// [`ErrorKind::Closed`] if the driver ends before the node has joined.
    pub async fn join(options: NodeOptions, driver: Arc<dyn PubSubApi>, is_broker: bool) -> Result<Self> {
        let (commands, arriving) = mpsc::channel(COMMANDS);
        let (ended_sender, ended) = watch::channel(None);
        let (registry_sender, registry) = watch::channel(0);
        let (joined_sender, joined) = oneshot::channel();
        let news = TaskNews { ended: ended_sender, registry: registry_sender };
        let (task, instance) = task::NodeTask::open(options.clone(), driver, is_broker, news).await?;
        tokio::spawn(task.run(arriving, joined_sender));
        let tickets = AtomicU64::new(0);
        let node = Self(Arc::new(NodeHandle { options, instance, commands, tickets, ended, registry }));
        match joined.await {
            Ok(Ok(())) => Ok(node),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(node.closed()),
        }
    }

    /// Returns the name, instance and boot time of the node.
    #[must_use]
    pub fn instance(&self) -> &NodeInstance {
        &self.0.instance
    }

    /// Returns the bus.
    #[must_use]
    pub fn bus(&self) -> &BusId {
        &self.0.options.bus
    }

    /// Returns what the node knows about itself, its peers, and the services and tables of the bus.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the node is not on the bus any more.
    pub async fn report(&self) -> Result<NodeReport> {
        self.command(|reply| Command::Inspect { reply }).await
    }

    /// Subscribes to changes of the peers and services of the [report](Self::report), from now on.
    #[must_use]
    pub fn registry_changes(&self) -> RegistryChanges {
        RegistryChanges::new(&self.0.registry)
    }

    /// Leaves the bus: services stop, and and a goodbye is sent, so that the peers need not wait until the node is missed.
    pub async fn leave(&self) {
        // A node that has ended has left.
        let _ = self.command(|reply| Command::Leave { reply }).await;
        let _ = self.0.ended.clone().wait_for(Option::is_some).await;
    }

    /// Waits until the node is not on the bus any more, and returns the reason, which has one of these kinds:
    ///
    /// - [`ErrorKind::AlreadyExists`]: another live node of the bus has the same id, and keeps it. The text names both, as
    ///   the error of [`join`](Self::join) does, which was too early to know.
    /// - [`ErrorKind::Closed`]: the node has left, its driver has ended, or all its handles were dropped.
    /// - [`ErrorKind::Internal`]: the task of the node panicked.
    ///
    /// # Cancel safety
    /// May be dropped and called again, any number of times.
    pub async fn ended(&self) -> Error {
        let departure = self.0.ended.clone().wait_for(Option::is_some).await.ok().and_then(|one| one.clone());
        match departure {
            Some(departure) => departure.to_error(),
            None => Error::new(ErrorKind::Internal, "the task of the node panicked"),
        }
    }

    /// Returns the options with which the node joined.
    pub(crate) fn options(&self) -> &NodeOptions {
        &self.0.options
    }

    /// Returns the queue of its task, for services and subscriptions.
    pub(crate) fn commands(&self) -> mpsc::Sender<Command> {
        self.0.commands.clone()
    }

    /// Sends a command with a reply, and waits for that.
    pub(crate) async fn command<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T> {
        let (reply, replied) = oneshot::channel();
        self.0.commands.send(command(reply)).await.map_err(|_| self.closed())?;
        replied.await.map_err(|_| self.closed())
    }

    /// Calls one service, and waits for the result.
    ///
    /// # Errors
    /// Those of the call; [`CallErrorKind::PeerLost`] if the node leaves meanwhile.
    ///
    /// # Cancel safety
    /// If the future is dropped, the call is cancelled.
    pub(crate) async fn call(&self, call: NewCall) -> Result<Json, CallError> {
        let (reply, replied) = oneshot::channel();
        let pending = self.pending();
        let ticket = pending.ticket;
        let sent = self.send(Command::Call { ticket, call, reply }).await;
        let result = if sent { replied.await.ok() } else { None };
        pending.ended();
        result.unwrap_or_else(|| Err(CallError::new(CallErrorKind::PeerLost, self.closed().to_string())))
    }

    /// Calls every service that listens, and waits for all results, which may be errors.
    ///
    /// # Errors
    /// [`CallErrorKind::PeerLost`] if the node leaves meanwhile.
    ///
    /// # Cancel safety
    /// If the future is dropped, the calls are cancelled.
    pub(crate) async fn call_all(&self, call: NewCall) -> Result<Vec<CallResult>, CallError> {
        let (reply, replied) = oneshot::channel();
        let pending = self.pending();
        let ticket = pending.ticket;
        let sent = self.0.commands.send(Command::CallAll { ticket, call, reply }).await;
        let results = if sent.is_ok() { replied.await.ok() } else { None };
        pending.ended();
        results.unwrap_or_else(|| Err(CallError::new(CallErrorKind::PeerLost, self.closed().to_string())))
    }

    /// Begins a call with parts, which go to `items`.
    pub(crate) async fn call_stream(
        &self,
        call: NewCall,
        items: mpsc::Sender<CallItem>,
    ) -> Result<Ticket, CallError> {
        let ticket = Ticket(self.0.tickets.fetch_add(1, Ordering::Relaxed));
        let sent = self.0.commands.send(Command::CallStream { ticket, call, items }).await;
        sent.map_err(|_| CallError::new(CallErrorKind::PeerLost, self.closed().to_string()))?;
        Ok(ticket)
    }

    /// Begins a call whose arguments have parts. Returns its ticket, and the way of its result.
    pub(crate) async fn call_upload(
        &self,
        call: NewCall,
    ) -> Result<(Ticket, oneshot::Receiver<Result<Json, CallError>>), CallError> {
        let ticket = Ticket(self.0.tickets.fetch_add(1, Ordering::Relaxed));
        let (reply, result) = oneshot::channel();
        let sent = self.0.commands.send(Command::Call { ticket, call, reply }).await;
        sent.map_err(|_| CallError::new(CallErrorKind::PeerLost, self.closed().to_string()))?;
        Ok((ticket, result))
    }

    /// Begins a call whose result nobody waits for. It is not made if too many commands wait.
    pub(crate) fn cast(&self, call: NewCall) {
        let ticket = Ticket(self.0.tickets.fetch_add(1, Ordering::Relaxed));
        let (reply, _) = oneshot::channel();
        let _ = self.0.commands.try_send(Command::Call { ticket, call, reply });
    }

    /// Sends a command; waits only if the queue is full. Returns `false` if the node is not on the bus any more.
    async fn send(&self, command: Command) -> bool {
        match self.0.commands.try_send(command) {
            Ok(()) => true,
            Err(TrySendError::Full(command)) => self.0.commands.send(command).await.is_ok(),
            Err(TrySendError::Closed(_)) => false,
        }
    }

    fn pending(&self) -> PendingCall<'_> {
        let ticket = Ticket(self.0.tickets.fetch_add(1, Ordering::Relaxed));
        PendingCall { ticket, commands: Some(&self.0.commands) }
    }

    fn closed(&self) -> Error {
        let departure = self.0.ended.borrow().clone();
        let reason = departure.map_or_else(|| "its task has ended".to_owned(), |departure| departure.reason);
        let text = format!("node {} is not on the bus any more: {reason}", self.0.instance.node);
        Error::new(ErrorKind::Closed, text)
    }
}

/// A call whose result is awaited; if it is dropped before, the call is cancelled.
struct PendingCall<'a> {
    ticket: Ticket,
    commands: Option<&'a mpsc::Sender<Command>>,
}

impl PendingCall<'_> {
    fn ended(mut self) {
        self.commands = None;
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        if let Some(commands) = self.commands.take() {
            // If the queue is full, the call ends at its deadline.
            let _ = commands.try_send(Command::CancelCall { ticket: self.ticket });
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Node").field(&self.0.instance).finish()
    }
}
