//! Arguments that consist of several parts.

use std::sync::Arc;

use super::incoming_parts::IncomingParts;
use super::{Callee, CalleeEffect, RunId};
use crate::calls::call_message::{CallMessage, PartCredit};
use crate::calls::payload;
use crate::{CallError, CallErrorKind, Instance};

impl Callee {
    /// A method that runs has read parts of its arguments: the caller may send more.
    pub(crate) fn arguments_read(&mut self, run: RunId, count: u64, effects: &mut Vec<CalleeEffect>) {
        let Some((caller, number)) = self.runs.call_of(run) else { return };
        let mut is_due = false;
        self.change_incoming(caller, number, |incoming| is_due = incoming.read(count));
        if is_due {
            self.send_argument_credit(caller, number, false, effects);
        }
    }

    /// Allows the caller of a run to send the first parts.
    pub(super) fn expect_arguments(
        &mut self,
        caller: Instance,
        number: u64,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let incoming = IncomingParts::new(self.options.argument_window);
        let Some(session) = self.sessions.get_mut(&caller) else { return };
        session.incoming.insert(number, incoming);
        self.send_argument_credit(caller, number, false, effects);
    }

    /// A part has arrived. One for which there is no room is dropped; it is asked for again.
    pub(super) fn argument(
        &mut self,
        caller: Instance,
        number: u64,
        index: u64,
        text: Arc<str>,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let Some(run) = self.run_of(caller, number) else { return };
        if self.incoming_bytes + text.len() > self.options.part_bytes {
            return;
        }
        let mut next = Vec::new();
        self.change_incoming(caller, number, |incoming| next = incoming.add(index, text));
        for text in next {
            match payload::decode(&text) {
                Ok(part) => effects.push(CalleeEffect::Argument { run, part }),
                Err(text) => {
                    self.cancel(run, effects);
                    let text = format!("a part of the arguments is refused: {text}");
                    let error = CallError::new(CallErrorKind::BadArguments, text).with_may_have_run(true);
                    return self.end_call(caller, number, Err(error), effects);
                }
            }
        }
        self.finish_arguments(caller, number, run, effects);
    }

    /// The caller sends no more parts than these.
    pub(super) fn arguments_end(
        &mut self,
        caller: Instance,
        number: u64,
        parts: u64,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let Some(run) = self.run_of(caller, number) else { return };
        self.change_incoming(caller, number, |incoming| incoming.end(parts));
        self.finish_arguments(caller, number, run, effects);
    }

    /// Repeats how far the methods of a caller are, and asks for the parts that are missing.
    pub(super) fn repeat_argument_credits(&mut self, caller: Instance, effects: &mut Vec<CalleeEffect>) {
        let numbers = self.sessions.get(&caller).into_iter().flat_map(|session| session.incoming.keys());
        for number in numbers.copied().collect::<Vec<_>>() {
            self.repeat_argument_credit(caller, number, effects);
        }
    }

    /// The same for one call. Nothing for a call whose arguments are complete, or have no parts.
    pub(super) fn repeat_argument_credit(
        &mut self,
        caller: Instance,
        number: u64,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let incoming = self.sessions.get(&caller).and_then(|session| session.incoming.get(&number));
        if incoming.is_some_and(|incoming| !incoming.is_ended) {
            self.send_argument_credit(caller, number, true, effects);
        }
    }

    /// Forgets the parts of the arguments of a call.
    pub(super) fn forget_arguments(&mut self, caller: Instance, number: u64) {
        let session = self.sessions.get_mut(&caller);
        if let Some(incoming) = session.and_then(|session| session.incoming.remove(&number)) {
            self.incoming_bytes -= incoming.bytes();
        }
    }

    fn finish_arguments(
        &mut self,
        caller: Instance,
        number: u64,
        run: RunId,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let mut ends = false;
        self.change_incoming(caller, number, |incoming| ends = incoming.ends_now());
        if ends {
            effects.push(CalleeEffect::ArgumentsEnd(run));
        }
    }

    fn send_argument_credit(
        &mut self,
        caller: Instance,
        number: u64,
        is_repeat: bool,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let Some(session) = self.sessions.get_mut(&caller) else { return };
        let Some(incoming) = session.incoming.get_mut(&number) else { return };
        let (received, limit) = incoming.credit();
        let credit = PartCredit { session: session.number, number, received, limit, is_repeat };
        effects.push(CalleeEffect::Send(session.send(CallMessage::ArgumentCredit(credit))));
    }

    /// Changes the parts of a call, and what all of them count.
    fn change_incoming(&mut self, caller: Instance, number: u64, change: impl FnOnce(&mut IncomingParts)) {
        let session = self.sessions.get_mut(&caller);
        let Some(incoming) = session.and_then(|session| session.incoming.get_mut(&number)) else { return };
        let before = incoming.bytes();
        change(incoming);
        self.incoming_bytes = self.incoming_bytes + incoming.bytes() - before;
    }
}
