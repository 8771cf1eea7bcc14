//! Arguments that consist of several parts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::pending_call::{CallPhase, PendingCall};
use super::{CallId, Caller, CallerEffect};
use crate::calls::call_message::{CallMessage, PartCredit};
use crate::calls::{PartOutcome, payload};
use crate::{CallError, CallErrorKind, Instance};

impl Caller {
    /// Sends a part of the arguments of a call.
    ///
    /// # Errors
    /// [`CallErrorKind::Cancelled`] if the call has ended; [`CallErrorKind::BadArguments`] for a part beyond the bounds of
    /// arguments; [`CallErrorKind::Overloaded`] if too many parts of all calls have not arrived.
    pub(crate) fn argument(
        &mut self,
        id: CallId,
        part: &Json,
        effects: &mut Vec<CallerEffect>,
    ) -> Result<PartOutcome, CallError> {
        let ended = || CallError::new(CallErrorKind::Cancelled, "the call has ended");
        let target = self.targets.get_mut(&id.target).ok_or_else(ended)?;
        let call = target.calls.get_mut(&id.number).ok_or_else(ended)?;
        let (session, outgoing) = (call.session(), call.outgoing.as_mut().ok_or_else(ended)?);
        let Some(session) = session.filter(|_| outgoing.has_credit()) else { return Ok(PartOutcome::Full) };
        let text = payload::encode(part).map_err(|text| {
            CallError::new(CallErrorKind::BadArguments, format!("a part of the arguments is refused: {text}"))
        })?;
        if self.part_bytes + text.len() > self.options.part_bytes {
            let text = format!("parts of arguments of {} bytes have not arrived", self.part_bytes);
            return Err(CallError::new(CallErrorKind::Overloaded, text));
        }
        self.part_bytes += text.len();
        let index = outgoing.push(Arc::clone(&text));
        let message = CallMessage::Argument { session, number: id.number, index, text };
        effects.push(CallerEffect::Send(target.send(message)));
        Ok(PartOutcome::Sent)
    }

    /// The arguments of a call have no more parts.
    pub(crate) fn end_arguments(&mut self, id: CallId, effects: &mut Vec<CallerEffect>) {
        if let Some(outgoing) = self.call_mut(id).and_then(|call| call.outgoing.as_mut()) {
            outgoing.end();
        }
        self.send_arguments_end(id, false, effects);
    }

    /// Handles the credit of a callee: it runs the call.
    pub(super) fn argument_credit(
        &mut self,
        now: Duration,
        target: Instance,
        credit: PartCredit,
        effects: &mut Vec<CallerEffect>,
    ) {
        let PartCredit { session, number, received, limit, is_repeat } = credit;
        let (id, window) = (CallId { target, number }, self.options.argument_window);
        if self.call_mut(id).and_then(|call| call.session()) != Some(session)
            || !self.runs(now, id, self.options.progress_interval + self.options.resend_after())
        {
            return;
        }
        let Some(outgoing) = self.call_mut(id).and_then(|call| call.outgoing.as_mut()) else { return };
        let arrived = outgoing.credit(received, limit, window);
        let (has_credit, missing) = (outgoing.has_credit(), outgoing.missing());
        self.part_bytes -= arrived;
        if is_repeat && let Some(target) = self.targets.get(&id.target) {
            for (index, text) in missing {
                let message = CallMessage::Argument { session, number, index, text };
                effects.push(CallerEffect::Send(target.send(message)));
            }
        }
        self.send_arguments_end(id, is_repeat, effects);
        if has_credit {
            effects.push(CallerEffect::Credit(id));
        }
    }

    /// Reports the end of the parts to a callee that runs the call, if it has not been reported or is to be repeated.
    fn send_arguments_end(&mut self, id: CallId, is_repeat: bool, effects: &mut Vec<CallerEffect>) {
        let Some(call) = self.call_mut(id) else { return };
        let CallPhase::Accepted(session) = call.phase else { return };
        let Some(parts) = call.outgoing.as_mut().and_then(|outgoing| outgoing.take_end(is_repeat)) else {
            return;
        };
        if let Some(target) = self.targets.get(&id.target) {
            let message = CallMessage::ArgumentsEnd { session, number: id.number, parts };
            effects.push(CallerEffect::Send(target.send(message)));
        }
    }

    fn call_mut(&mut self, id: CallId) -> Option<&mut PendingCall> {
        self.targets.get_mut(&id.target)?.calls.get_mut(&id.number).map(|call| &mut **call)
    }
}
