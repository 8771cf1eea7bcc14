//! Results that consist of several parts.

use std::sync::Arc;

use serde_json::Value as Json;

use super::session::CallState;
use super::{Callee, CalleeEffect, RunId};
use crate::calls::call_message::{CallMessage, PartCredit};
use crate::calls::payload;
use crate::calls::sent_parts::SentParts;
use crate::{CallError, CallErrorKind, Instance};

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartOutcome {
    /// It is sent.
    Sent,
    /// The caller cannot receive it yet: try again after [`CalleeEffect::Credit`].
    Full,
}

impl Callee {
    /// Sends a part of the result of a run.
    ///
    /// # Errors
    /// [`CallErrorKind::Cancelled`] if nobody waits for it; [`CallErrorKind::BadArguments`] if the caller reads no parts;
    /// [`CallErrorKind::Overloaded`] if too many parts of all calls have not arrived; [`CallErrorKind::Remote`] for a part
    /// beyond the bounds of a result.
    pub(crate) fn part(
        &mut self,
        run: RunId,
        part: &Json,
        effects: &mut Vec<CalleeEffect>,
    ) -> Result<PartOutcome, CallError> {
        let nobody = || CallError::new(CallErrorKind::Cancelled, "nobody waits for the parts of the call");
        let (caller, number) = self.runs.call_of(run).ok_or_else(nobody)?;
        if !self.is_running(caller, number, run) {
            return Err(nobody());
        }
        let session = self.sessions.get_mut(&caller).ok_or_else(nobody)?;
        let Some(parts) = session.parts.get_mut(&number) else {
            let text = "the method returns parts: call it by call_stream";
            return Err(CallError::new(CallErrorKind::BadArguments, text).with_may_have_run(true));
        };
        if !parts.has_credit() {
            return Ok(PartOutcome::Full);
        }
        let text = payload::encode(part).map_err(|text| {
            CallError::new(CallErrorKind::Remote, format!("a part of the result is refused: {text}"))
        })?;
        if self.part_bytes + text.len() > self.options.part_bytes {
            let text = format!("parts of {} bytes have not arrived at their callers", self.part_bytes);
            return Err(CallError::new(CallErrorKind::Overloaded, text).with_may_have_run(true));
        }
        self.part_bytes += text.len();
        let index = parts.push(Arc::clone(&text));
        effects.push(CalleeEffect::Send(session.send(CallMessage::Part { number, index, text })));
        Ok(PartOutcome::Sent)
    }

    /// Notes that a caller reads parts.
    pub(super) fn expect_parts(&mut self, caller: Instance, number: u64, window: u64) {
        let window = window.min(self.options.part_window);
        if window > 0
            && let Some(session) = self.sessions.get_mut(&caller)
        {
            session.parts.insert(number, SentParts::new(window));
        }
    }

    /// Handles the credit of a caller.
    pub(super) fn credit(&mut self, caller: Instance, credit: PartCredit, effects: &mut Vec<CalleeEffect>) {
        let PartCredit { number, received, limit, is_repeat, .. } = credit;
        let Some(session) = self.sessions.get_mut(&caller) else { return };
        let Some(parts) = session.parts.get_mut(&number) else { return };
        self.part_bytes -= parts.credit(received, limit, self.options.part_window);
        let has_credit = parts.has_credit();
        if is_repeat {
            let missing: Vec<_> = parts.missing().collect();
            for (index, text) in missing {
                effects.push(CalleeEffect::Send(session.send(CallMessage::Part { number, index, text })));
            }
        }
        if has_credit
            && let Some(CallState::Running(run)) = session.calls.get(&number).map(|call| &call.state)
        {
            effects.push(CalleeEffect::Credit(*run));
        }
    }

    /// Forgets the parts of a call.
    pub(super) fn forget_parts(&mut self, caller: Instance, number: u64) {
        let session = self.sessions.get_mut(&caller);
        if let Some(parts) = session.and_then(|session| session.parts.remove(&number)) {
            self.part_bytes -= parts.bytes();
        }
    }
}
