//! What a caller does with the messages of a callee.

use std::sync::Arc;
use std::time::Duration;

use super::pending_call::CallPhase;
use super::{CallId, Caller, CallerEffect, CallerTimer};
use crate::calls::call_message::CallMessage;
use crate::calls::payload;
use crate::packet::{Destination, Message, Outgoing};
use crate::{CallError, CallErrorKind, Instance, NodeInstance};

impl Caller {
    /// Handles a message of a callee; those that callers send are ignored.
    pub(crate) fn received(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        message: CallMessage,
        effects: &mut Vec<CallerEffect>,
    ) {
        let target = source.instance;
        match message {
            CallMessage::Session(session) => self.session_received(now, target, session, effects),
            CallMessage::NoSession => self.no_session(now, target, effects),
            CallMessage::Accepted { numbers } => {
                for number in numbers {
                    self.runs(now, CallId { target, number }, self.options.resend_after());
                }
            }
            CallMessage::Progress { session, numbers } => {
                for number in numbers {
                    self.progress(now, CallId { target, number }, session, effects);
                }
            }
            CallMessage::Part { number, index, text } => {
                self.part_received(now, CallId { target, number }, index, text, effects);
            }
            CallMessage::Result { number, parts, result } => {
                self.result_received(now, CallId { target, number }, (parts, result), effects);
            }
            CallMessage::ArgumentCredit(credit) => self.argument_credit(now, target, credit, effects),
            CallMessage::Open
            | CallMessage::Request(_)
            | CallMessage::Query { .. }
            | CallMessage::Credit(_)
            | CallMessage::Argument { .. }
            | CallMessage::ArgumentsEnd { .. }
            | CallMessage::Cancel { .. }
            | CallMessage::Settled { .. } => {}
        }
    }

    /// Adopts a session that is later than the one in use, and sends in it what was not acknowledged. A call that was
    /// acknowledged in an earlier session is not sent again: it has run, and the callee has forgotten it.
    fn session_received(
        &mut self,
        now: Duration,
        instance: Instance,
        session: u64,
        effects: &mut Vec<CallerEffect>,
    ) {
        let Some(target) = self.targets.get_mut(&instance) else { return };
        if target.session.is_some_and(|known| known >= session) {
            return;
        }
        target.session = Some(session);
        self.timers.clear(CallerTimer::Open(instance));
        for id in self.calls_to(instance) {
            match self.phase(id) {
                Some(CallPhase::Accepted(_)) => {
                    let what = "ended because the callee has forgotten it";
                    self.fail(now, id, CallErrorKind::ResultLost, what, effects);
                }
                Some(CallPhase::Waiting | CallPhase::Sent(_)) => self.transmit(now, id, effects),
                None => {}
            }
        }
    }

    fn no_session(&mut self, now: Duration, instance: Instance, effects: &mut Vec<CallerEffect>) {
        for id in self.calls_to(instance) {
            if self.phase(id) == Some(CallPhase::Waiting) {
                let what = "was refused: the callee has the maximum number of sessions";
                self.fail(now, id, CallErrorKind::Overloaded, what, effects);
            }
        }
    }

    fn phase(&self, id: CallId) -> Option<CallPhase> {
        Some(self.targets.get(&id.target)?.calls.get(&id.number)?.phase)
    }

    /// Notes that the callee has a call. The call is queried after a silence of this length. Returns whether the call has
    /// not ended.
    pub(super) fn runs(&mut self, now: Duration, id: CallId, silence: Duration) -> bool {
        let target = self.targets.get_mut(&id.target);
        let Some(call) = target.and_then(|target| target.calls.get_mut(&id.number)) else { return false };
        let Some(session) = call.session() else { return true };
        call.phase = CallPhase::Accepted(session);
        self.pending_bytes -= call.arguments.len();
        call.arguments = Arc::from("");
        self.timers.set(CallerTimer::Call(id), call.ends().min(now + silence));
        true
    }

    /// The callee runs a call. If the call has ended here, its cancellation was lost and is repeated.
    fn progress(&mut self, now: Duration, id: CallId, session: u64, effects: &mut Vec<CallerEffect>) {
        let silence = self.options.progress_interval + self.options.resend_after();
        if self.runs(now, id, silence) {
            self.repeat_credit(id, effects);
        } else {
            let message = Message::Call(CallMessage::Cancel { session, number: id.number });
            effects.push(CallerEffect::Send(Outgoing { to: Destination::Instance(id.target), message }));
        }
    }

    fn result_received(
        &mut self,
        now: Duration,
        id: CallId,
        (parts, result): (u64, Result<Arc<str>, CallError>),
        effects: &mut Vec<CallerEffect>,
    ) {
        if self.phase(id).is_none() {
            self.counters.late_results += 1;
        } else if let Some(result) = self.hold_end(now, id, parts, result, effects) {
            self.end_with(now, id, result, effects);
        }
    }

    /// Ends a call with what the callee sent.
    pub(super) fn end_with(
        &mut self,
        now: Duration,
        id: CallId,
        result: Result<Arc<str>, CallError>,
        effects: &mut Vec<CallerEffect>,
    ) {
        let result = result.and_then(|text| {
            payload::decode(&text).map_err(|text| {
                CallError::new(CallErrorKind::Remote, format!("the result of {id} is invalid: {text}"))
            })
        });
        self.finish(now, id, result, effects);
    }
}
