use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::message_name::name;
use crate::calls::call_message::CallRequest;
use crate::calls::{
    CallId, CallMessage, CallOptions, Callee, CalleeEffect, Caller, CallerEffect, Invocation, RunId,
};
use crate::packet::{Destination, Message, Outgoing};
use crate::{CallError, CallErrorKind, Instance, MethodId, NodeId, NodeInstance, ServiceId};

/// A method that a callee had to run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Started {
    pub(super) run: RunId,
    pub(super) arguments: Json,
    pub(super) deadline: Duration,
}

/// The end of a call.
pub(super) type Ended = (CallId, Result<Json, CallError>);

/// One caller and one callee, whose messages a test passes or loses.
pub(super) struct Pair {
    pub(super) now: Duration,
    pub(super) caller: Caller,
    pub(super) callee: Callee,
    /// On their way to the callee.
    pub(super) requests: VecDeque<CallMessage>,
    /// On their way to the caller.
    pub(super) replies: VecDeque<CallMessage>,
    /// What the callee sent to the third node.
    pub(super) to_others: Vec<CallMessage>,
    /// The request that arrived last.
    pub(super) last_request: Option<CallRequest>,
    /// The parts that the reader has not read.
    pub(super) parts: Vec<Json>,
    /// The parts of arguments that the method has not read.
    pub(super) arguments: Vec<Json>,
    /// The runs whose arguments are complete.
    pub(super) complete: Vec<RunId>,
    pub(super) started: Vec<Started>,
    pub(super) cancelled: Vec<RunId>,
    pub(super) ended: Vec<Ended>,
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn node(number: u64) -> NodeInstance {
    NodeInstance {
        node: NodeId::new(format!("node-{number}")).unwrap(),
        instance: Instance::of(number),
        boot: number,
    }
}

pub(super) fn service() -> ServiceId {
    ServiceId::new("nova").unwrap()
}

/// A call of a method of the service.
pub(super) fn method(name: &str) -> Invocation {
    Invocation {
        caller: ServiceId::new("horizon").unwrap(),
        service: service(),
        method: MethodId::new(name).unwrap(),
        key: None,
        window: 0,
        trace: None,
        sends_parts: false,
    }
}

/// The message of an outgoing one, which must be for this instance.
pub(super) fn message_to(instance: Instance, outgoing: Outgoing) -> CallMessage {
    assert_eq!(outgoing.to, Destination::Instance(instance));
    match outgoing.message {
        Message::Call(message) => message,
        other => panic!("not a message of calls: {other:?}"),
    }
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::with(CallOptions::default())
    }

    pub(super) fn with(options: CallOptions) -> Self {
        Self {
            now: Duration::ZERO,
            caller: Caller::new(options.clone()),
            callee: Callee::new(Instance::of(2), options),
            requests: VecDeque::new(),
            replies: VecDeque::new(),
            to_others: Vec::new(),
            last_request: None,
            parts: Vec::new(),
            arguments: Vec::new(),
            complete: Vec::new(),
            started: Vec::new(),
            cancelled: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub(super) fn try_call(&mut self, arguments: &Json, limit: Duration) -> Result<CallId, CallError> {
        self.invoke(method("list"), arguments, limit)
    }

    pub(super) fn invoke(
        &mut self,
        invocation: Invocation,
        arguments: &Json,
        limit: Duration,
    ) -> Result<CallId, CallError> {
        let mut effects = Vec::new();
        let id = self.caller.call(self.now, &node(2), invocation, arguments, limit, &mut effects);
        self.of_caller(effects);
        id
    }

    pub(super) fn call(&mut self, limit: Duration) -> CallId {
        self.try_call(&json!(["all"]), limit).unwrap()
    }

    /// Begins a call and passes everything: it runs now.
    pub(super) fn running_call(&mut self, limit: Duration) -> (CallId, Started) {
        let before = self.started.len();
        let id = self.call(limit);
        self.pass();
        assert_eq!(self.started.len(), before + 1, "the call runs");
        (id, self.started.last().unwrap().clone())
    }

    pub(super) fn cancel(&mut self, id: CallId) {
        let mut effects = Vec::new();
        self.caller.cancel(self.now, id, &mut effects);
        self.of_caller(effects);
    }

    pub(super) fn finish(&mut self, run: RunId, result: Result<Json, CallError>) {
        let mut effects = Vec::new();
        self.callee.finished(run, result, &mut effects);
        self.of_callee(effects);
    }

    pub(super) fn callee_lost(&mut self) {
        let mut effects = Vec::new();
        self.caller.peer_lost(self.now, Instance::of(2), &mut effects);
        self.of_caller(effects);
    }

    pub(super) fn caller_lost(&mut self) {
        let mut effects = Vec::new();
        self.callee.peer_lost(Instance::of(1), &mut effects);
        self.of_callee(effects);
    }

    pub(super) fn stopped(&mut self) {
        let mut effects = Vec::new();
        self.callee.stopped(&service(), &mut effects);
        self.of_callee(effects);
    }

    pub(super) fn at_callee(&mut self, message: CallMessage) {
        self.at_callee_from(&node(1), message);
    }

    /// The callee receives a message of this node.
    pub(super) fn at_callee_from(&mut self, source: &NodeInstance, message: CallMessage) {
        if let CallMessage::Request(request) = &message {
            self.last_request = Some(request.clone());
        }
        let mut effects = Vec::new();
        self.callee.received(self.now, source, message, &mut effects);
        self.callee.acknowledge(&mut effects);
        self.of_callee(effects);
    }

    pub(super) fn at_caller(&mut self, message: CallMessage) {
        let mut effects = Vec::new();
        self.caller.received(self.now, &node(2), message, &mut effects);
        self.of_caller(effects);
    }

    /// Passes messages until none is under way; returns their names in order.
    pub(super) fn pass(&mut self) -> Vec<&'static str> {
        self.pass_except(|_| false)
    }

    /// Passes messages until none is under way, but loses some; returns the names of those that were passed.
    pub(super) fn pass_except(&mut self, mut loses: impl FnMut(&CallMessage) -> bool) -> Vec<&'static str> {
        let mut names = Vec::new();
        loop {
            let (message, is_request) = match (self.requests.pop_front(), self.replies.len()) {
                (Some(message), _) => (message, true),
                (None, 0) => return names,
                (None, _) => (self.replies.pop_front().unwrap(), false),
            };
            if loses(&message) {
                continue;
            }
            names.push(name(&message));
            if is_request { self.at_callee(message) } else { self.at_caller(message) }
        }
    }

    /// Moves the time in steps to each deadline. All messages are passed, except some.
    pub(super) fn advance_except(
        &mut self,
        by: Duration,
        mut loses: impl FnMut(&CallMessage) -> bool,
    ) -> Vec<&'static str> {
        let end = self.now + by;
        let mut names = self.pass_except(&mut loses);
        while self.now < end {
            let next = [self.caller.deadline(), self.callee.deadline(), Some(end)];
            self.now = next.into_iter().flatten().min().unwrap().min(end);
            self.tick();
            names.extend(self.pass_except(&mut loses));
        }
        names
    }

    /// Moves the time; all messages are passed.
    pub(super) fn advance(&mut self, by: Duration) -> Vec<&'static str> {
        self.advance_except(by, |_| false)
    }

    /// Moves the time; all messages are lost.
    pub(super) fn silence(&mut self, by: Duration) {
        self.advance_except(by, |_| true);
    }

    pub(super) fn tick(&mut self) {
        let (mut of_caller, mut of_callee) = (Vec::new(), Vec::new());
        self.caller.tick(self.now, &mut of_caller);
        self.callee.tick(self.now, &mut of_callee);
        self.of_caller(of_caller);
        self.of_callee(of_callee);
    }

    /// The only call that has ended, and its kind of error.
    pub(super) fn failed(&self, id: CallId) -> &CallError {
        match self.ended.as_slice() {
            [(ended, Err(error))] if *ended == id => error,
            others => panic!("{id} has not failed, or other calls have ended: {others:?}"),
        }
    }

    pub(super) fn kind(&self, id: CallId) -> CallErrorKind {
        self.failed(id).kind()
    }

    pub(super) fn of_caller(&mut self, effects: Vec<CallerEffect>) {
        for effect in effects {
            match effect {
                CallerEffect::Send(outgoing) => {
                    self.requests.push_back(message_to(Instance::of(2), outgoing));
                }
                CallerEffect::Part { part, .. } => self.parts.push(part),
                CallerEffect::Credit(_) => {}
                CallerEffect::Finished { id, result } => self.ended.push((id, result)),
            }
        }
    }

    pub(super) fn of_callee(&mut self, effects: Vec<CalleeEffect>) {
        for effect in effects {
            match effect {
                CalleeEffect::Send(outgoing) if outgoing.to == Destination::Instance(Instance::of(1)) => {
                    self.replies.push_back(message_to(Instance::of(1), outgoing));
                }
                CalleeEffect::Send(outgoing) => self.to_others.push(message_to(Instance::of(3), outgoing)),
                CalleeEffect::Run { run, arguments, deadline, .. } => {
                    self.started.push(Started { run, arguments, deadline });
                }
                CalleeEffect::Credit(_) => {}
                CalleeEffect::Argument { part, .. } => self.arguments.push(part),
                CalleeEffect::ArgumentsEnd(run) => self.complete.push(run),
                CalleeEffect::Cancel(run) => self.cancelled.push(run),
            }
        }
    }
}
