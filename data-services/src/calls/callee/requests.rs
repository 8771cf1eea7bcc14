//! What a callee does with the messages of a caller.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::keyed_runs::Known;
use super::runs::Run;
use super::session::{CallState, KnownCall, Session};
use super::{Callee, CalleeEffect, CalleeTimer, RunId};
use crate::calls::call_message::{CallMessage, CallRequest};
use crate::calls::payload;
use crate::packet::{Destination, Message, Outgoing};
use crate::{CallError, CallErrorKind, Instance, NodeInstance};

/// What a callee does with a new request.
enum Decision {
    /// It runs with these arguments.
    Run(Json),
    /// It waits for the run of its key.
    Join(RunId),
    /// It gets the result of its key.
    Answer(Result<Arc<str>, CallError>),
}

impl Callee {
    /// Handles a message of a caller; those that callees send are ignored.
    pub(crate) fn received(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        message: CallMessage,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let caller = source.instance;
        match message {
            CallMessage::Open => self.open(now, source, effects),
            CallMessage::Request(request) => {
                if self.is_current(now, source, request.session, effects) {
                    self.request(now, source, request, effects);
                }
            }
            CallMessage::Query { session, number } => {
                if self.is_current(now, source, session, effects) {
                    self.query(caller, number, effects);
                }
            }
            CallMessage::Cancel { session, number } => {
                if self.heard(now, caller, session) {
                    self.forget_call(caller, number, effects);
                }
            }
            CallMessage::Settled { session, below } => {
                if self.heard(now, caller, session) {
                    self.settle(caller, below, effects);
                }
            }
            CallMessage::Credit(credit) => {
                if self.heard(now, caller, credit.session) {
                    self.credit(caller, credit, effects);
                }
            }
            CallMessage::Argument { session, number, index, text } => {
                if self.heard(now, caller, session) {
                    self.argument(caller, number, index, text, effects);
                }
            }
            CallMessage::ArgumentsEnd { session, number, parts } => {
                if self.heard(now, caller, session) {
                    self.arguments_end(caller, number, parts, effects);
                }
            }
            CallMessage::Session(_)
            | CallMessage::Part { .. }
            | CallMessage::ArgumentCredit(_)
            | CallMessage::NoSession
            | CallMessage::Accepted { .. }
            | CallMessage::Progress { .. }
            | CallMessage::Result { .. } => {}
        }
    }

    /// Sends the caller its session, which begins if there is none.
    fn open(&mut self, now: Duration, source: &NodeInstance, effects: &mut Vec<CalleeEffect>) {
        let caller = source.instance;
        if !self.sessions.contains_key(&caller) && !self.begin_session(now, source) {
            let message = Message::Call(CallMessage::NoSession);
            return effects.push(CalleeEffect::Send(Outgoing { to: Destination::Instance(caller), message }));
        }
        if let Some(session) = self.sessions.get_mut(&caller) {
            session.heard = now;
            let message = CallMessage::Session(session.number);
            effects.push(CalleeEffect::Send(session.send(message)));
        }
    }

    fn begin_session(&mut self, now: Duration, source: &NodeInstance) -> bool {
        if self.sessions.len() >= self.options.sessions {
            return false;
        }
        self.last_session += 1;
        self.sessions.insert(source.instance, Session::new(now, self.last_session, source.clone()));
        self.timers.set(CalleeTimer::Forget(source.instance), now + self.options.retention());
        true
    }

    /// Notes a sign of the caller. Returns whether this is its session.
    fn heard(&mut self, now: Duration, caller: Instance, number: u64) -> bool {
        let session = self.sessions.get_mut(&caller).filter(|session| session.number == number);
        session.map(|session| session.heard = now).is_some()
    }

    /// Like `heard`; if the session is another, sends that to the caller.
    fn is_current(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        session: u64,
        effects: &mut Vec<CalleeEffect>,
    ) -> bool {
        let is_current = self.heard(now, source.instance, session);
        if !is_current {
            self.counters.stale += 1;
            self.open(now, source, effects);
        }
        is_current
    }

    fn request(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        request: CallRequest,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let (caller, number) = (source.instance, request.number);
        self.settle(caller, request.settled, effects);
        let Some(session) = self.sessions.get_mut(&caller) else { return };
        if session.calls.contains_key(&number) || session.has_ended(number) || number == u64::MAX {
            self.counters.duplicates += 1;
            return self.query(caller, number, effects);
        }
        if request.remaining.is_zero() {
            return session.end(number, self.options.ranges);
        }
        let deadline = now + request.remaining.min(self.options.longest_deadline);
        self.timers.set(CalleeTimer::Call(caller, number), deadline);
        match self.decide(source, &request) {
            Ok(Decision::Run(arguments)) => {
                let service = request.invocation.service.clone();
                let run = self.runs.start(Run { caller, number, service, bytes: request.arguments.len() });
                if let Some(id) = self.keyed.begin(run, &request, caller, deadline) {
                    self.timers.set(CalleeTimer::Key(id), deadline);
                }
                self.counters.started += 1;
                self.accept(now, caller, number, run);
                self.expect_parts(caller, number, request.invocation.window);
                let sends_parts = request.invocation.sends_parts;
                let (from, invocation) = (source.clone(), request.invocation);
                effects.push(CalleeEffect::Run { run, caller: from, invocation, arguments, deadline });
                if sends_parts {
                    self.expect_arguments(caller, number, effects);
                }
            }
            Ok(Decision::Join(run)) => {
                self.keyed.join(run, caller, number, deadline);
                self.accept(now, caller, number, run);
            }
            Ok(Decision::Answer(result)) => self.end_call(caller, number, result, effects),
            Err(error) => {
                self.counters.refused += 1;
                self.end_call(caller, number, Err(error), effects);
            }
        }
    }

    /// Notes that a call waits for a run, and is to be [acknowledged](Callee::acknowledge).
    fn accept(&mut self, now: Duration, caller: Instance, number: u64, run: RunId) {
        let Some(session) = self.sessions.get_mut(&caller) else { return };
        session.calls.insert(number, KnownCall { state: CallState::Running(run) });
        session.accepted.push(number);
        self.unacknowledged.insert(caller);
        let progress = CalleeTimer::Progress(caller);
        self.timers.set_if_none(progress, now + self.options.progress_interval);
    }

    /// Decides about a new request.
    fn decide(&self, source: &NodeInstance, request: &CallRequest) -> Result<Decision, CallError> {
        if request.invocation.method.is_private() && source.instance != self.me {
            let text = format!("{} is private: only the service itself can call it", request.invocation);
            return Err(CallError::new(CallErrorKind::Denied, text));
        }
        if request.invocation.sends_parts && request.invocation.key.is_some() {
            let text = "a call whose arguments have parts has no key: a repeat would lack them";
            return Err(CallError::new(CallErrorKind::BadArguments, text));
        }
        match self.keyed.find(request, &self.options)? {
            Known::New => self.admit(request).map(Decision::Run),
            Known::Running(run) => Ok(Decision::Join(run)),
            Known::Ended(result) => Ok(Decision::Answer(result)),
        }
    }

    /// Checks a request that would run; returns its arguments.
    fn admit(&self, request: &CallRequest) -> Result<Json, CallError> {
        let (service, arguments) = (&request.invocation.service, &request.arguments);
        if self.node_is_draining || self.draining.contains(service) {
            let text = format!("{service} accepts no more calls: it is about to stop");
            return Err(CallError::new(CallErrorKind::Draining, text));
        }
        self.runs.check(service, arguments.len(), &self.options)?;
        payload::decode(arguments).map_err(|text| {
            let text = format!("the argument of {} is refused: {text}", request.invocation);
            CallError::new(CallErrorKind::BadArguments, text)
        })
    }

    /// Sends how far a call is. A call that has not arrived has no answer: its request is repeated.
    fn query(&mut self, caller: Instance, number: u64, effects: &mut Vec<CalleeEffect>) {
        let Some(session) = self.sessions.get(&caller) else { return };
        let message = match session.calls.get(&number).map(|call| &call.state) {
            Some(CallState::Running(_)) => {
                CallMessage::Progress { session: session.number, numbers: vec![number] }
            }
            Some(CallState::Ended { result, .. }) => session.result(number, result),
            None if session.has_ended(number) => {
                self.counters.stale += 1;
                let text = "the callee no longer keeps the result of the call";
                session.result(number, &Err(CallError::new(CallErrorKind::ResultLost, text)))
            }
            None => return,
        };
        effects.push(CalleeEffect::Send(session.send(message)));
        self.repeat_argument_credit(caller, number, effects);
    }

    /// Forgets the calls that the caller does not wait for; cancels those that run.
    fn settle(&mut self, caller: Instance, below: u64, effects: &mut Vec<CalleeEffect>) {
        let Some(session) = self.sessions.get_mut(&caller) else { return };
        session.end_below(below);
        let settled: Vec<u64> = session.calls.range(..below).map(|(number, _)| *number).collect();
        for number in settled {
            self.forget_call(caller, number, effects);
        }
    }
}
