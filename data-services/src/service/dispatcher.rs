use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value as Json;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;
use tracing::warn;

use crate::calls::RunId;
use crate::node::{Command, no_method};
use crate::service::call::{Call, Handler};
use crate::service::method::{Begun, Method};
use crate::service::part_reader::{PartReader, ReportRead};
use crate::service::part_sender::{NewPart, PartSender};
use crate::service::service_input::ServiceInput;
use crate::{CallError, CallErrorKind, MethodId, ServiceId, TableId, TraceId};

/// A hook about a table.
pub(crate) type Hook = Arc<dyn Fn(TableId) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The code of a service: what runs when something happens.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    pub(crate) methods: HashMap<MethodId, Handler>,
    pub(crate) on_first_subscriber: Option<Hook>,
    pub(crate) on_no_subscriber: Option<Hook>,
}

/// Runs the methods and hooks of one service: none waits for another, and a panic ends only its own call.
///
/// A method that ends [at its first poll](Method) needs no task; every other one is a task of its own.
pub(crate) struct Dispatcher {
    service: ServiceId,
    methods: HashMap<MethodId, Method>,
    on_first_subscriber: Option<Hook>,
    on_no_subscriber: Option<Hook>,
    commands: mpsc::Sender<Command>,
    /// What has ended and was not yet reported.
    ends: Vec<(RunId, Result<Json, CallError>)>,
    tasks: JoinSet<Result<Json, CallError>>,
    /// The run of each task, and its trace.
    runs: HashMap<Id, (RunId, Option<TraceId>)>,
    aborts: HashMap<RunId, AbortHandle>,
    hooks: JoinSet<()>,
    /// The way of the parts of results from the methods to this task, which passes them to the node.
    parts: mpsc::Sender<NewPart>,
    sent: mpsc::Receiver<NewPart>,
}

/// The number of parts that may wait for the task; further ones wait in their methods.
const PARTS: usize = 64;

/// The number of inputs that are handled before the ends of methods are reported.
const BATCH: usize = 64;

impl Dispatcher {
    pub(crate) fn new(service: ServiceId, handlers: Handlers, commands: mpsc::Sender<Command>) -> Self {
        let (parts, sent) = mpsc::channel(PARTS);
        Self {
            service,
            methods: handlers.methods.into_iter().map(|(id, handler)| (id, Method::new(handler))).collect(),
            on_first_subscriber: handlers.on_first_subscriber,
            on_no_subscriber: handlers.on_no_subscriber,
            commands,
            ends: Vec::new(),
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
        let (mut is_open, mut arrived) = (true, Vec::new());
        while is_open || !self.tasks.is_empty() {
            // The number of running methods is bounded: neither those that end nor new ones hold up the rest.
            tokio::select! {
                biased;
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                Some(ended) = self.hooks.join_next() => self.hook_ended(ended),
                count = inputs.recv_many(&mut arrived, BATCH), if is_open => {
                    is_open = count > 0;
                    let mut now = Instant::now();
                    arrived.drain(..).for_each(|input| self.handle(&mut now, input));
                }
                Some(part) = self.sent.recv() => {
                    // The node has ended if it accepts no command.
                    let _ = self.commands.send(Command::SendPart(part)).await;
                }
            }
            self.report_ends().await;
        }
    }

    /// Reports what has ended, together.
    async fn report_ends(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.ended(ended);
        }
        if !self.ends.is_empty() {
            let ends = std::mem::take(&mut self.ends);
            // The node has ended if it accepts no command.
            let _ = self.commands.send(Command::Finished { ends }).await;
        }
    }

    fn handle(&mut self, now: &mut Instant, input: ServiceInput) {
        match input {
            ServiceInput::Run { run, mut call, arguments } => {
                let reader = |items| PartReader::new(reports_of_reading(run, self.commands.clone()), items);
                call.reader = arguments.map(|items| Arc::new(reader(items)));
                self.start(now, run, call);
            }
            ServiceInput::Cancel(run) => {
                if let Some(abort) = self.aborts.get(&run) {
                    abort.abort();
                }
            }
            ServiceInput::FirstSubscriber(table) => self.hook(self.on_first_subscriber.clone(), table),
            ServiceInput::NoSubscriber(table) => self.hook(self.on_no_subscriber.clone(), table),
        }
    }

    fn start(&mut self, now: &mut Instant, run: RunId, mut call: Call) {
        let trace = call.trace;
        call.parts = Some(PartSender::new(run, self.parts.clone()));
        let Some(method) = self.methods.get_mut(&call.method) else {
            return self.ends.push((run, Err(no_method(&self.service, &call.method))));
        };
        match method.begin(now, call) {
            Begun::Ended(result) => self.ends.push((run, result)),
            Begun::Panicked => self.ends.push((run, Err(self.panicked(trace)))),
            Begun::Running(running) => {
                let abort = self.tasks.spawn(running);
                self.runs.insert(abort.id(), (run, trace));
                self.aborts.insert(run, abort);
            }
        }
    }

    fn ended(&mut self, ended: Result<(Id, Result<Json, CallError>), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        if let Some((run, trace)) = self.runs.remove(&id) {
            let result = match ended {
                Ok((_, result)) => result,
                Err(error) => Err(self.failure(&error, trace)),
            };
            self.aborts.remove(&run);
            self.ends.push((run, result));
        }
    }

    fn failure(&self, error: &JoinError, trace: Option<TraceId>) -> CallError {
        if error.is_cancelled() {
            return CallError::new(CallErrorKind::Cancelled, "the caller has cancelled the call");
        }
        self.panicked(trace)
    }

    fn panicked(&self, trace: Option<TraceId>) -> CallError {
        let trace = trace.map(tracing::field::display);
        warn!(id = "SK1015", service = %self.service, trace, "a method panicked; its caller gets an error");
        CallError::new(CallErrorKind::Remote, format!("the method of service {} panicked", self.service))
    }

    fn hook(&mut self, hook: Option<Hook>, table: TableId) {
        if let Some(hook) = hook {
            self.hooks.spawn(async move { hook(table).await });
        }
    }

    fn hook_ended(&self, ended: Result<(), JoinError>) {
        if ended.is_err() {
            warn!(id = "SK1014", service = %self.service, "a subscriber hook panicked; the service continues");
        }
    }
}

/// Reports to the node how many parts of its arguments a run has read.
fn reports_of_reading(run: RunId, commands: mpsc::Sender<Command>) -> Box<ReportRead> {
    Box::new(move |count| {
        let commands = commands.clone();
        Box::pin(async move { commands.send(Command::ArgumentsRead { run, count }).await.is_ok() })
    })
}
