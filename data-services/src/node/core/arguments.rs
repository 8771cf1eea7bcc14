use tokio::sync::mpsc;

use super::NodeCore;
use super::pending_calls::Waiting;
use crate::CallErrorKind;
use crate::calls::{CallId, PartOutcome, RunId};
use crate::node::Ticket;
use crate::service::{ArgumentItem, NewArgument};

/// The number of items that wait for a method: the parts of the window of a callee, and the end.
const ITEMS: usize = 17;

/// The way of the parts of arguments to a method.
pub(super) fn arguments_channel() -> (mpsc::Sender<ArgumentItem>, mpsc::Receiver<ArgumentItem>) {
    mpsc::channel(ITEMS)
}

/// Calls whose arguments have parts.
impl NodeCore {
    /// Sends a part, or keeps it until the callee can receive it. The part of a call that has ended is dropped, which its caller
    /// notices.
    pub(super) fn send_argument(&mut self, new: NewArgument) {
        let Some(id) = self.calls.tickets.get(&new.ticket).copied() else { return };
        match self.caller.argument(id, &new.part, &mut self.effects.caller) {
            Ok(PartOutcome::Full) => drop(self.calls.waiting_arguments.insert(new.ticket, new)),
            Err(error) if error.kind() == CallErrorKind::Cancelled => drop(new.reply),
            // The caller may wait no more.
            outcome => drop(new.reply.send(outcome.map(drop))),
        }
    }

    /// Sends the part of a call that waits.
    pub(super) fn send_waiting_argument(&mut self, id: CallId) {
        let Some(Waiting::One(ticket, _)) = self.calls.by_id.get(&id) else { return };
        if let Some(new) = self.calls.waiting_arguments.remove(ticket) {
            self.send_argument(new);
        }
    }

    pub(super) fn end_arguments(&mut self, ticket: Ticket) {
        if let Some(id) = self.calls.tickets.get(&ticket).copied() {
            self.caller.end_arguments(id, &mut self.effects.caller);
        }
    }

    pub(super) fn arguments_read(&mut self, run: RunId, count: u64) {
        self.callee.arguments_read(run, count, &mut self.effects.callee);
    }

    /// Hands a part of its arguments, or their end, to a method. There is room for all parts of the window.
    pub(super) fn deliver_argument(&mut self, run: RunId, item: ArgumentItem) {
        if let Some(reader) = self.calls.argument_readers.get(&run) {
            // The method may have ended.
            drop(reader.try_send(item));
        }
    }
}
