use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tracing::warn;

use crate::calls::RunId;
use crate::node::{Command, no_method};
use crate::service::call::{Call, Handler};
use crate::service::part_sender::{NewPart, PartSender};
use crate::service::service_input::ServiceInput;
use crate::{CallError, CallErrorKind, MethodId, ServiceId, TableId};

/// A hook about a table.
pub(crate) type Hook = Arc<dyn Fn(TableId) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The code of a service: what runs when something happens.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    pub(crate) methods: HashMap<MethodId, Handler>,
    pub(crate) on_first_subscriber: Option<Hook>,
    pub(crate) on_no_subscriber: Option<Hook>,
}

/// Runs the methods and hooks of one service, each as a task of its own: none waits for another, and a panic ends only its
/// own task.
pub(crate) struct Dispatcher {
    service: ServiceId,
    handlers: Handlers,
    commands: mpsc::Sender<Command>,
    tasks: JoinSet<Result<serde_json::Value, CallError>>,
    runs: HashMap<Id, RunId>,
    aborts: HashMap<RunId, AbortHandle>,
    hooks: JoinSet<()>,
    /// The way of the parts of results from the methods to this task, which passes them to the node.
    parts: mpsc::Sender<NewPart>,
    sent: mpsc::Receiver<NewPart>,
}

/// The number of parts that may wait for the task; further ones wait in their methods.
const PARTS: usize = 64;

impl Dispatcher {
    pub(crate) fn new(service: ServiceId, handlers: Handlers, commands: mpsc::Sender<Command>) -> Self {
        let (parts, sent) = mpsc::channel(PARTS);
        Self {
            service,
            handlers,
            commands,
            parts,
            sent,
            tasks: JoinSet::new(),
            runs: HashMap::new(),
            aborts: HashMap::new(),
            hooks: JoinSet::new(),
        }
    }

    /// Runs until the node drops its end of `inputs`, and then until the running methods have ended.
    pub(crate) async fn run(mut self, mut inputs: mpsc::Receiver<ServiceInput>) {
        let mut is_open = true;
        while is_open || !self.tasks.is_empty() {
            // The number of running methods is bounded: neither those that end nor new ones hold up the rest.
            tokio::select! {
                biased;
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended).await,
                Some(ended) = self.hooks.join_next() => self.hook_ended(ended),
                input = inputs.recv(), if is_open => match input {
                    Some(input) => self.handle(input),
                    None => is_open = false,
                },
                Some(part) = self.sent.recv() => {
                    // The node has ended if it accepts no command.
                    let _ = self.commands.send(Command::SendPart(part)).await;
                }
            }
        }
    }

    fn handle(&mut self, input: ServiceInput) {
        match input {
            ServiceInput::Run { run, call } => self.start(run, call),
            ServiceInput::Cancel(run) => {
                if let Some(abort) = self.aborts.get(&run) {
                    abort.abort();
                }
            }
            ServiceInput::FirstSubscriber(table) => {
                self.hook(self.handlers.on_first_subscriber.clone(), table)
            }
            ServiceInput::NoSubscriber(table) => self.hook(self.handlers.on_no_subscriber.clone(), table),
        }
    }

    fn start(&mut self, run: RunId, mut call: Call) {
        call.parts = Some(PartSender::new(run, self.parts.clone()));
        let method = call.method.clone();
        let handler = self.handlers.methods.get(&method).cloned();
        let service = self.service.clone();
        let abort = self.tasks.spawn(async move {
            match handler {
                Some(handler) => handler.run(call).await,
                None => Err(no_method(&service, &method)),
            }
        });
        self.runs.insert(abort.id(), run);
        self.aborts.insert(run, abort);
    }

    async fn ended(&mut self, ended: Result<(Id, Result<serde_json::Value, CallError>), JoinError>) {
        let (id, result) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Err(self.failure(&error))),
        };
        if let Some(run) = self.runs.remove(&id) {
            self.aborts.remove(&run);
            // The node has ended if it accepts no command.
            let _ = self.commands.send(Command::Finished { run, result }).await;
        }
    }

    fn failure(&self, error: &JoinError) -> CallError {
        if error.is_cancelled() {
            return CallError::new(CallErrorKind::Cancelled, "the caller has cancelled the call");
        }
        warn!(service = %self.service, "a method panicked; its caller gets an error");
        CallError::new(CallErrorKind::Remote, format!("the method of service {} panicked", self.service))
    }

    fn hook(&mut self, hook: Option<Hook>, table: TableId) {
        if let Some(hook) = hook {
            self.hooks.spawn(async move { hook(table).await });
        }
    }

    fn hook_ended(&self, ended: Result<(), JoinError>) {
        if ended.is_err() {
            warn!(service = %self.service, "a subscriber hook panicked; the service continues");
        }
    }
}
