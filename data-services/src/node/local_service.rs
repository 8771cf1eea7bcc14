use std::collections::BTreeSet;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::sync::{mpsc, oneshot};

use super::LocalRules;
use super::admission::Admission;
use super::leader::Leader;
use crate::service::ServiceInput;
use crate::{CallError, CallErrorKind, MethodId, ServiceEntry, ServiceId, StreamName};

/// A service of this node, as the node sees it.
#[derive(Debug)]
pub(crate) struct LocalService {
    /// What the other nodes know about it; its private methods are in it, and are left out when it is published.
    pub(crate) entry: ServiceEntry,
    /// The queue of the task that runs its methods.
    pub(crate) inputs: mpsc::Sender<ServiceInput>,
    /// The number of its methods that run.
    pub(crate) running: usize,
    /// The callers that wait until no method runs.
    pub(crate) drains: Vec<oneshot::Sender<Result<()>>>,
    /// The methods that only the leader may call.
    pub(crate) leader_only: BTreeSet<MethodId>,
    /// The methods that read parts of their arguments.
    pub(crate) with_parts: BTreeSet<MethodId>,
    /// What decides about subscribers.
    pub(crate) admission: Option<Admission>,
    /// The service that leads this one.
    pub(crate) leader: Option<Leader>,
}

impl LocalService {
    /// A service of which no method runs.
    pub(crate) fn new(entry: ServiceEntry, inputs: mpsc::Sender<ServiceInput>, rules: LocalRules) -> Self {
        let LocalRules { leader_only, with_parts, admission, .. } = rules;
        let drains = Vec::new();
        Self { entry, inputs, running: 0, drains, leader_only, with_parts, admission, leader: None }
    }

    /// The entry that is published.
    pub(crate) fn public_entry(&self) -> ServiceEntry {
        let mut entry = self.entry.clone();
        entry.methods.retain(|method| !method.is_private());
        entry
    }

    /// One of its methods has ended.
    pub(crate) fn run_ended(&mut self) {
        self.running = self.running.saturating_sub(1);
        self.report_drained();
    }

    /// Wakes the callers that wait for it, if no method runs.
    pub(crate) fn report_drained(&mut self) {
        if self.running == 0 {
            self.drains.drain(..).for_each(|reply| drop(reply.send(Ok(()))));
        }
    }

    /// Hands something over to the service. It loses hooks if its queue is full, which a service that runs can hardly cause.
    pub(crate) fn send(&self, input: ServiceInput) -> bool {
        self.inputs.try_send(input).is_ok()
    }
}

/// The error for a table that a service does not publish.
pub(crate) fn no_table(service: &ServiceId, stream: &StreamName, entry: &ServiceEntry) -> Error {
    let tables: Vec<&str> = entry.tables.keys().map(crate::TableId::as_str).collect();
    let text = format!("service {service} publishes no table {}; its tables are {tables:?}", stream.table);
    Error::new(ErrorKind::NotFound, text)
}

/// The error for a method that a service does not have.
pub(crate) fn no_method(service: &ServiceId, method: &MethodId) -> CallError {
    CallError::new(CallErrorKind::NoMethod, format!("service {service} has no method {method}"))
}

/// The error for a method that only its service may call.
pub(crate) fn private(service: &ServiceId, method: &MethodId) -> CallError {
    let text =
        format!("method {method} of service {service} is private: only the service itself can call it");
    CallError::new(CallErrorKind::Denied, text)
}

/// The error for a service that this node does not run.
pub(crate) fn no_service(service: &ServiceId) -> Error {
    Error::new(ErrorKind::NotFound, format!("this node runs no service {service}"))
}

/// The error for a second service of one name.
pub(crate) fn duplicate(service: &ServiceId) -> Result<()> {
    let text = format!("this node already runs a service {service}; stop it first, or choose another name");
    Err(Error::new(ErrorKind::AlreadyExists, text))
}
