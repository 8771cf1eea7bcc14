//! What a caller sends, and when.

use std::time::Duration;

use super::pending_call::CallPhase;
use super::{CallId, Caller, CallerEffect, CallerTimer};
use crate::calls::call_message::CallMessage;
use crate::{CallErrorKind, Instance};

impl Caller {
    /// Sends what a call needs in its phase, and sets its timer.
    pub(super) fn transmit(&mut self, now: Duration, id: CallId, effects: &mut Vec<CallerEffect>) {
        let CallId { target: instance, number } = id;
        let pause = self.options.resend_after();
        let Some(target) = self.targets.get_mut(&instance) else { return };
        let session = target.session;
        let Some(call) = target.calls.get_mut(&number) else { return };
        let ends = call.ends();
        match (call.phase, session) {
            (CallPhase::Waiting, None) => {
                self.timers.set(CallerTimer::Call(id), ends);
                if !self.timers.is_set(CallerTimer::Open(instance)) {
                    self.open(now, instance, effects);
                }
                return;
            }
            (CallPhase::Waiting | CallPhase::Sent(_), Some(session)) => {
                call.phase = CallPhase::Sent(session);
                let Some(call) = target.calls.get(&number) else { return };
                effects.push(CallerEffect::Send(target.send(target.request(now, session, number, call))));
                self.timers.clear(CallerTimer::Settle(instance));
            }
            (CallPhase::Accepted(session), _) | (CallPhase::Sent(session), None) => {
                effects.push(CallerEffect::Send(target.send(CallMessage::Query { session, number })));
            }
        }
        self.timers.set(CallerTimer::Call(id), ends.min(now + pause));
    }

    pub(super) fn call_is_due(&mut self, now: Duration, id: CallId, effects: &mut Vec<CallerEffect>) {
        let Some(call) = self.targets.get(&id.target).and_then(|target| target.calls.get(&id.number)) else {
            return;
        };
        if now >= call.deadline {
            self.fail(now, id, CallErrorKind::Timeout, "reached its deadline", effects);
        } else if now >= call.ends() {
            let what = format!("was not acknowledged within {:?}", self.options.ping_timeout);
            self.fail(now, id, CallErrorKind::Timeout, &what, effects);
        } else {
            self.counters.repeated += 1;
            self.repeat_credit(id, effects);
            self.transmit(now, id, effects);
        }
    }

    /// Asks for a session, as long as a call waits for one.
    pub(super) fn open(&mut self, now: Duration, instance: Instance, effects: &mut Vec<CallerEffect>) {
        let Some(target) = self.targets.get(&instance) else { return };
        if target.session.is_none() && !target.calls.is_empty() {
            effects.push(CallerEffect::Send(target.send(CallMessage::Open)));
            self.timers.set(CallerTimer::Open(instance), now + self.options.reopen_after());
        }
    }

    pub(super) fn settle(&self, instance: Instance, effects: &mut Vec<CallerEffect>) {
        let Some(target) = self.targets.get(&instance) else { return };
        if let Some(session) = target.session {
            let settled = CallMessage::Settled { session, below: target.settled() };
            effects.push(CallerEffect::Send(target.send(settled)));
        }
    }
}
