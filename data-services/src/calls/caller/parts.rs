//! Results that consist of several parts.

use std::sync::Arc;
use std::time::Duration;

use super::{CallId, Caller, CallerEffect};
use crate::calls::call_message::{CallMessage, PartCredit};
use crate::calls::payload;
use crate::calls::received_parts::ReceivedParts;
use crate::{CallError, CallErrorKind};

impl Caller {
    /// A part of a call has arrived.
    pub(super) fn part_received(
        &mut self,
        now: Duration,
        id: CallId,
        index: u64,
        text: Arc<str>,
        effects: &mut Vec<CallerEffect>,
    ) {
        self.runs(now, id, self.options.progress_interval + self.options.resend_after());
        let Some(parts) = self.parts_of(id) else { return };
        for text in parts.add(index, text) {
            match payload::decode(&text) {
                Ok(part) => effects.push(CallerEffect::Part { id, part }),
                Err(text) => {
                    let what = format!("ended because a part of its result is invalid: {text}");
                    return self.fail(now, id, CallErrorKind::Remote, &what, effects);
                }
            }
        }
        self.finish_parts(now, id, effects);
    }

    /// The reader of a call has read parts: the callee may send more.
    pub(crate) fn parts_read(&mut self, id: CallId, count: u64, effects: &mut Vec<CallerEffect>) {
        if self.parts_of(id).is_some_and(|parts| parts.read(count)) {
            self.send_credit(id, false, effects);
        }
    }

    /// Repeats how far the reader is, and asks for the parts that are missing. Nothing for a call without parts.
    pub(super) fn repeat_credit(&mut self, id: CallId, effects: &mut Vec<CallerEffect>) {
        self.send_credit(id, true, effects);
    }

    /// Keeps the end of a call with parts until all parts have arrived; returns it for a call without parts.
    pub(super) fn hold_end(
        &mut self,
        now: Duration,
        id: CallId,
        parts: u64,
        result: Result<Arc<str>, CallError>,
        effects: &mut Vec<CallerEffect>,
    ) -> Option<Result<Arc<str>, CallError>> {
        let Some(received) = self.parts_of(id) else { return Some(result) };
        received.end(parts, result);
        // What is missing may have been overtaken; it is asked for after this time.
        self.runs(now, id, self.options.resend_after());
        self.finish_parts(now, id, effects);
        None
    }

    fn finish_parts(&mut self, now: Duration, id: CallId, effects: &mut Vec<CallerEffect>) {
        if let Some(result) = self.parts_of(id).and_then(ReceivedParts::take_end) {
            self.end_with(now, id, result, effects);
        }
    }

    fn send_credit(&mut self, id: CallId, is_repeat: bool, effects: &mut Vec<CallerEffect>) {
        let Some(target) = self.targets.get_mut(&id.target) else { return };
        let Some(call) = target.calls.get_mut(&id.number) else { return };
        let (Some(session), Some(parts)) = (call.session(), &mut call.parts) else { return };
        let (received, limit) = parts.credit();
        let credit = PartCredit { session, number: id.number, received, limit, is_repeat };
        effects.push(CallerEffect::Send(target.send(CallMessage::Credit(credit))));
    }

    fn parts_of(&mut self, id: CallId) -> Option<&mut ReceivedParts<Result<Arc<str>, CallError>>> {
        self.targets.get_mut(&id.target)?.calls.get_mut(&id.number)?.parts.as_mut()
    }
}
