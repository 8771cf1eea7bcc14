use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::call_item::CallItem;
use crate::node::{Command, NewCall, Ticket};
use crate::{CallError, CallErrorKind, CallOptions, Delivery, ServiceHandle, TraceId};

/// The number of parts that may be on their way to a reader, or wait for it.
const WINDOW: usize = 16;

/// The parts of the result of a call, in the order in which the method sent them.
///
/// A reader that is slow stops the method: at most 16 parts are on their way or wait for the reader. The call is cancelled
/// when the value is dropped.
pub struct CallStream {
    ticket: Ticket,
    items: mpsc::Receiver<CallItem>,
    commands: mpsc::Sender<Command>,
    /// The number of parts that were read, and not yet reported.
    unreported: u64,
    trace: Option<TraceId>,
    end: Option<Json>,
    is_ended: bool,
}

/// Calls with parts.
impl ServiceHandle {
    /// Calls a method of one service that listens on `address`, and returns the parts that it [sends](crate::Call::send_part).
    /// The deadline of the options is that of the whole call.
    ///
    /// # Errors
    /// [`CallErrorKind::BadArguments`] for an invalid address, method or arguments, for a quorum, and for another delivery
    /// than [`Delivery::AtMostOnce`]; [`CallErrorKind::PeerLost`] if this node has left the bus. All other errors are the last
    /// item of the stream.
    pub async fn call_stream(
        &self,
        address: &str,
        method: &str,
        arguments: impl Serialize,
        options: CallOptions,
    ) -> Result<CallStream, CallError> {
        if options.delivery != Delivery::AtMostOnce || options.quorum.is_some() {
            let text = "a call with parts has no key and no quorum";
            return Err(CallError::new(CallErrorKind::BadArguments, text));
        }
        let trace = options.trace;
        let call = self.new_call(address, method, arguments, options).map_err(|error| error.traced(trace))?;
        let call = NewCall { window: WINDOW as u64, ..call };
        // Its end needs a place too.
        let (sender, items) = mpsc::channel(WINDOW + 1);
        let called = self.node().call_stream(call, sender).await;
        let ticket = called.map_err(|error| error.traced(trace))?;
        let commands = self.node().commands();
        Ok(CallStream { ticket, items, commands, unreported: 0, trace, end: None, is_ended: false })
    }
}

impl CallStream {
    /// Returns the next part; waits for it. An error is the last item. `None` after the end.
    ///
    /// # Errors
    /// As [`ServiceHandle::call`]; also [`CallErrorKind::PeerLost`] if this node leaves the bus.
    ///
    /// # Cancel safety
    /// If the future is dropped, no part is lost.
    pub async fn next(&mut self) -> Option<Result<Json, CallError>> {
        if self.is_ended {
            return None;
        }
        if self.unreported >= WINDOW as u64 / 2 || (self.unreported > 0 && self.items.is_empty()) {
            let read = Command::PartsRead { ticket: self.ticket, count: self.unreported };
            if self.commands.send(read).await.is_ok() {
                self.unreported = 0;
            }
        }
        match self.items.recv().await {
            Some(CallItem::Part(part)) => {
                self.unreported += 1;
                Some(Ok(part))
            }
            Some(CallItem::End(Ok(end))) => {
                (self.is_ended, self.end) = (true, Some(end));
                None
            }
            Some(CallItem::End(Err(error))) => {
                self.is_ended = true;
                Some(Err(error.traced(self.trace)))
            }
            None => {
                self.is_ended = true;
                let text = "the node is not on the bus any more";
                Some(Err(CallError::new(CallErrorKind::PeerLost, text).traced(self.trace)))
            }
        }
    }

    /// Returns what the method returned at its end: after [`next`](Self::next) has returned `None`, and no error before.
    #[must_use]
    pub fn end(&self) -> Option<&Json> {
        self.end.as_ref()
    }
}

impl Drop for CallStream {
    fn drop(&mut self) {
        if !self.is_ended {
            // If the queue is full, the call ends at its deadline.
            let _ = self.commands.try_send(Command::CancelCall { ticket: self.ticket });
        }
    }
}

impl fmt::Debug for CallStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallStream").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}
