use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::NodeCore;
use super::pending_calls::Waiting;
use crate::calls::{CallId, PartOutcome, RunId};
use crate::node::{NewCall, Ticket};
use crate::service::{CallItem, NewPart};
use crate::{CallError, CallErrorKind};

/// The maximum number of parts of one run that wait for the credit of its caller.
const WAITING: usize = 64;

/// Calls with parts.
impl NodeCore {
    pub(super) fn start_stream(&mut self, ticket: Ticket, call: NewCall, items: mpsc::Sender<CallItem>) {
        let sent =
            self.choose(&call, None).and_then(|(target, service)| self.send_call(&target, service, &call));
        match sent {
            Ok(id) => {
                self.calls.by_id.insert(id, Waiting::Stream(ticket, items));
                self.calls.tickets.insert(ticket, id);
            }
            // The caller may have given up.
            Err(error) => drop(items.try_send(CallItem::End(Err(error)))),
        }
    }

    pub(super) fn parts_read(&mut self, ticket: Ticket, count: u64) {
        if let Some(id) = self.calls.tickets.get(&ticket).copied() {
            self.caller.parts_read(id, count, &mut self.effects.caller);
        }
    }

    /// Hands a part to its reader. There is room for all parts of the window.
    pub(super) fn deliver_part(&mut self, id: CallId, part: Json) {
        if let Some(Waiting::Stream(_, items)) = self.calls.by_id.get(&id) {
            drop(items.try_send(CallItem::Part(part)));
        }
    }

    pub(super) fn send_part(&mut self, new: NewPart) {
        let run = new.run;
        let waiting = self.calls.waiting_parts.entry(run).or_default();
        if waiting.len() >= WAITING {
            let text = format!("{WAITING} parts of the run wait for the credit of the caller");
            return drop(new.reply.send(Err(CallError::new(CallErrorKind::Overloaded, text))));
        }
        waiting.push_back(new);
        self.send_waiting_parts(run);
    }

    /// Sends the parts of a run that wait, as far as its caller can receive them.
    pub(super) fn send_waiting_parts(&mut self, run: RunId) {
        let Some(waiting) = self.calls.waiting_parts.get_mut(&run) else { return };
        while let Some(new) = waiting.front() {
            let outcome = self.callee.part(run, &new.part, &mut self.effects.callee);
            if outcome == Ok(PartOutcome::Full) {
                return;
            }
            if let Some(new) = waiting.pop_front() {
                // The method may wait no more.
                drop(new.reply.send(outcome.map(drop)));
            }
        }
        self.calls.waiting_parts.remove(&run);
    }
}
