use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use serde::Serialize;
use tokio::sync::mpsc;

use super::dispatcher::{Dispatcher, Handlers, Hook};
use crate::node::{Admission, Beginning, Command, LocalRules, is_reserved};
use crate::service::{Call, Handler, ServiceHandle};
use crate::{
    Address, BusId, CallError, Difference, KeyColumns, MethodId, Node, ServiceEntry, ServiceId,
    SubscribingNode, TableId,
};

/// A service that is about to start: what it publishes, what others can call, and where it listens.
///
/// An invalid name is reported by [`start`](Self::start).
pub struct ServiceBuilder {
    node: Node,
    id: Result<ServiceId>,
    entry: ServiceEntry,
    handlers: Handlers,
    rules: LocalRules,
    keeps_tables: bool,
}

/// The services of a node.
impl Node {
    /// Begins the declaration of a service.
    #[must_use]
    pub fn service(&self, id: impl Into<String>) -> ServiceBuilder {
        ServiceBuilder::new(self.clone(), ServiceId::new(id.into()))
    }
}

impl ServiceBuilder {
    fn new(node: Node, id: Result<ServiceId>) -> Self {
        Self {
            node,
            id,
            entry: ServiceEntry::default(),
            handlers: Handlers::default(),
            rules: LocalRules::default(),
            keeps_tables: false,
        }
    }

    /// Adds a table that the service publishes.
    #[must_use]
    pub fn table(self, table: impl Into<String>, key: KeyColumns) -> Self {
        let table = TableId::new(table.into());
        self.with(table, |this, table| drop(this.entry.tables.insert(table, key)))
    }

    /// Adds a table whose differences `prepush` sees before they are published. It returns what is published instead: the
    /// difference itself, a changed one, or `None` to withhold it. What it withholds is in the difference that it sees next.
    ///
    /// It runs on the task of the node: it must not block.
    #[must_use]
    pub fn table_with_prepush<F>(self, table: impl Into<String>, key: KeyColumns, prepush: F) -> Self
    where
        F: FnMut(Difference) -> Option<Difference> + Send + 'static,
    {
        let table = TableId::new(table.into());
        self.with(table, |this, table| {
            this.entry.tables.insert(table.clone(), key);
            this.rules.prepush.0.push((table, Box::new(prepush)));
        })
    }

    /// Adds an address, or a pattern of addresses, on which the service listens besides its own name.
    #[must_use]
    pub fn address(self, address: impl Into<String>) -> Self {
        let address = Address::new(address.into());
        self.with(address, |this, address| this.entry.addresses.push(address))
    }

    /// Adds a method. Calls run concurrently: a handler that panics ends its call with an error, and one that is cancelled is
    /// dropped at its next `await`. A handler runs on the task of the service until it waits for the first time, and on a task
    /// of its own from then on. One that computes for longer than 200 µs before that holds up other calls of the service, so
    /// its next 1,000 calls run on tasks of their own from the beginning.
    ///
    /// A method whose name begins with `_` can be called by the service itself only; names that begin with `$` are reserved.
    #[must_use]
    pub fn method<F, Fut, T>(self, method: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, CallError>> + Send + 'static,
        T: Serialize,
    {
        let method = MethodId::new(method.into()).and_then(|method| {
            let text = || format!("method id {method} is reserved: choose one that does not begin with $");
            if is_reserved(&method) { Err(Error::new(ErrorKind::Invalid, text())) } else { Ok(method) }
        });
        self.with(method, |this, method| {
            this.entry.methods.insert(method.clone());
            this.handlers.methods.insert(method, Handler::new(handler));
        })
    }

    /// Adds a method as [`method`](Self::method) does, which only the [leader](crate::Leadership) of the service may call:
    /// calls of others are [denied](crate::CallErrorKind::Denied).
    #[must_use]
    pub fn leader_only_method<F, Fut, T>(mut self, method: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, CallError>> + Send + 'static,
        T: Serialize,
    {
        let method: String = method.into();
        self.rules.leader_only.extend(MethodId::new(method.clone()));
        self.method(method, handler)
    }

    /// Adds a method as [`method`](Self::method) does, which [reads parts](Call::next_part) of its arguments from callers that
    /// [send them](ServiceHandle::call_with_parts). Other methods refuse such callers as
    /// [bad arguments](crate::CallErrorKind::BadArguments).
    #[must_use]
    pub fn method_with_parts<F, Fut, T>(mut self, method: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, CallError>> + Send + 'static,
        T: Serialize,
    {
        let method: String = method.into();
        self.rules.with_parts.extend(MethodId::new(method.clone()));
        self.method(method, handler)
    }

    /// Adds a method that blocks its thread: it reads files, computes for long, or uses a library without futures. It runs on
    /// the threads that Tokio has for that, so it delays nothing else, and at most `at_once` of its calls run at a time. Further
    /// ones wait, at most until their deadlines.
    ///
    /// A call that is cancelled, or whose deadline passes, before it began does not run. One that runs goes on to its end, and
    /// its result is dropped: [`Call::deadline`] is the time that it has.
    #[must_use]
    pub fn blocking_method<F, T>(self, method: impl Into<String>, at_once: NonZeroUsize, handler: F) -> Self
    where
        F: Fn(Call) -> Result<T, CallError> + Send + Sync + 'static,
        T: Serialize + Send + 'static,
    {
        let method = MethodId::new(method.into());
        self.with(method, |this, method| {
            this.entry.methods.insert(method.clone());
            this.handlers.methods.insert(method, Handler::blocking(at_once, handler));
        })
    }

    /// Runs `hook` when a table gets its first subscriber on any node.
    #[must_use]
    pub fn on_first_subscriber<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(TableId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.handlers.on_first_subscriber = Some(boxed(hook));
        self
    }

    /// Runs `hook` when a table has lost its last subscriber.
    #[must_use]
    pub fn on_no_subscriber<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(TableId) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.handlers.on_no_subscriber = Some(boxed(hook));
        self
    }

    /// Lets `admit` decide about each node that subscribes to a table, before it gets any row. A node that is refused sees the
    /// table as [`Stale`](crate::TableEvent::Stale) with the reason, of which it gets 200 bytes, and asks again once in a while.
    /// A decision holds for as long as the node subscribes. On a bus where nobody is authenticated, this protects against
    /// mistakes only.
    ///
    /// It runs on the task of the node: it must not block.
    #[must_use]
    pub fn admit_subscribers<F>(mut self, admit: F) -> Self
    where
        F: FnMut(&SubscribingNode) -> Result<(), String> + Send + 'static,
    {
        self.rules.admission = Some(Admission::new(Box::new(admit)));
        self
    }

    /// Keeps the tables of the service that this one [replaces](Self::replace), for a service that declares its tables only
    /// [when it runs](crate::Transaction::declare). A [`Cage`](crate::Cage) replaces a service that it reloads or starts again.
    #[must_use]
    pub fn keep_tables(mut self) -> Self {
        self.keeps_tables = true;
        self
    }

    /// Makes one instance active at a time, of those on several nodes that start with this: the one that started first, of
    /// those whose nodes are up. The others are on standby: they publish as usual, but subscribers and callers do not see them,
    /// except calls [on their node](crate::CallOptions::on). When the active one stops, leaves or is down, the next one is
    /// active, and subscribers get its rows before those of the former are [gone](crate::TableEvent::Gone).
    ///
    /// Each node decides by its own registry; there is no election. The two sides of a partition each have an active instance.
    /// When it heals, the one that started later is on standby again.
    #[must_use]
    pub fn active_standby(mut self) -> Self {
        // The node replaces it by its rank.
        self.entry.rank = Some(0);
        self
    }

    /// Declares that the service is the mirror of one on another bus, and over which buses it came.
    #[must_use]
    pub fn mirrored_from(mut self, buses: Vec<BusId>) -> Self {
        self.entry.mirrored_from = buses;
        self
    }

    /// Starts the service and announces it on the bus.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) for an invalid name, table, method or address, and if the
    /// [access rules](crate::AccessRules) of the node deny a table;
    /// [`ErrorKind::AlreadyExists`](pubsub_api::ErrorKind::AlreadyExists) if the node runs a service of this name;
    /// [`ErrorKind::Closed`](pubsub_api::ErrorKind::Closed) if the node has left the bus.
    pub async fn start(self) -> Result<ServiceHandle> {
        self.begin(Beginning::New).await
    }

    /// Replaces the running service of this name on this node, if there is one: tables that both have with the same key columns
    /// keep their rows and subscribers, and its handles and subscriptions stay valid.
    ///
    /// # Errors
    /// As [`start`](Self::start), but for a service of this name.
    pub async fn replace(self) -> Result<ServiceHandle> {
        let beginning = if self.keeps_tables { Beginning::TakingOver } else { Beginning::Replacing };
        self.begin(beginning).await
    }

    async fn begin(self, beginning: Beginning) -> Result<ServiceHandle> {
        let service = self.id?;
        // The node never hands over more calls than it has counted as running.
        let (inputs, arriving) = mpsc::channel(self.node.options().service_calls + HOOKS);
        let entry = self.entry;
        let started = service.clone();
        let rules = self.rules;
        let start = |reply| Command::Start { service: started, entry, inputs, beginning, rules, reply };
        self.node.command(start).await??;
        let commands = self.node.commands();
        tokio::spawn(Dispatcher::new(service.clone(), self.handlers, commands).run(arriving));
        Ok(ServiceHandle::new(self.node, service))
    }

    fn with<T>(mut self, checked: Result<T>, add: impl FnOnce(&mut Self, T)) -> Self {
        match checked {
            Ok(value) => add(&mut self, value),
            Err(error) if self.id.is_ok() => self.id = Err(error),
            Err(_) => {}
        }
        self
    }
}

/// Room for hooks beside the calls in the queue of a service: they arrive rarely.
const HOOKS: usize = 256;

fn boxed<F, Fut>(hook: F) -> Hook
where
    F: Fn(TableId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    Arc::new(move |table| Box::pin(hook(table)))
}

impl fmt::Debug for ServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceBuilder")
            .field("id", &self.id)
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}
