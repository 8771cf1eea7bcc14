use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};

use super::argument_item::NewArgument;
use crate::node::{Command, NewCall, Ticket};
use crate::{CallError, CallErrorKind, CallOptions, Delivery, ServiceHandle, TraceId};

/// A call whose arguments have parts, which are sent while the method runs.
///
/// A method that reads slowly stops the caller: at most 16 parts are on their way or wait for the method. The call is cancelled
/// when the value is dropped.
///
/// ```
/// use data_services::{Call, CallError, CallOptions, ServiceHandle};
///
/// /// A method that adds up the parts: `service.method_with_parts("sum", sum)`.
/// async fn sum(call: Call) -> Result<u64, CallError> {
///     let mut sum = 0;
///     while let Some(part) = call.next_part().await? {
///         sum += part.as_u64().unwrap_or_default();
///     }
///     Ok(sum)
/// }
///
/// async fn sum_up(caller: &ServiceHandle, numbers: &[u64]) -> Result<u64, CallError> {
///     let mut upload = caller.call_with_parts("adder", "sum", (), CallOptions::default()).await?;
///     for number in numbers {
///         upload.send(number).await?;
///     }
///     Ok(upload.finish().await?.as_u64().unwrap_or_default())
/// }
/// ```
pub struct CallUpload {
    ticket: Ticket,
    commands: mpsc::Sender<Command>,
    result: oneshot::Receiver<Result<Json, CallError>>,
    trace: Option<TraceId>,
    /// The result that came before the last part.
    early: Option<Result<Json, CallError>>,
    is_ended: bool,
}

/// Calls whose arguments have parts.
impl ServiceHandle {
    /// Calls a method of one service that listens on `address`; the method must be declared as
    /// [with parts](crate::ServiceBuilder::method_with_parts). The arguments are sent first, and then what
    /// [`CallUpload::send`] sends. The deadline of the options is that of the whole call.
    ///
    /// # Errors
    /// [`CallErrorKind::BadArguments`] for an invalid address, method or arguments, for a quorum, and for another delivery
    /// than [`Delivery::AtMostOnce`]; [`CallErrorKind::PeerLost`] if this node has left the bus. All other errors are those of
    /// [`CallUpload::send`] and [`CallUpload::finish`].
    pub async fn call_with_parts(
        &self,
        address: &str,
        method: &str,
        arguments: impl Serialize,
        options: CallOptions,
    ) -> Result<CallUpload, CallError> {
        if options.delivery != Delivery::AtMostOnce || options.quorum.is_some() {
            let text = "a call with parts has no key and no quorum";
            return Err(CallError::new(CallErrorKind::BadArguments, text));
        }
        let trace = options.trace;
        let call = self.new_call(address, method, arguments, options).map_err(|error| error.traced(trace))?;
        let begun = self.node().call_upload(NewCall { sends_parts: true, ..call }).await;
        let (ticket, result) = begun.map_err(|error| error.traced(trace))?;
        let commands = self.node().commands();
        Ok(CallUpload { ticket, commands, result, trace, early: None, is_ended: false })
    }
}

impl CallUpload {
    /// Sends the next part; waits while the method cannot receive it.
    ///
    /// # Errors
    /// [`CallErrorKind::BadArguments`] if the part is not JSON or has more than 256 KiB, and
    /// [`CallErrorKind::Overloaded`] if parts of all calls of this node together have 64 MiB and have not arrived: the part is not
    /// sent, and the call goes on. The error of the call if that has ended; [`CallErrorKind::Cancelled`] if it has ended with a
    /// result, which [`finish`](Self::finish) returns.
    ///
    /// # Cancel safety
    /// If the future is dropped, the part was sent or not.
    pub async fn send(&mut self, part: impl Serialize) -> Result<(), CallError> {
        let part = serde_json::to_value(part).map_err(|error| {
            let text = format!("a part of the arguments cannot be sent: {error}");
            CallError::new(CallErrorKind::BadArguments, text).traced(self.trace)
        })?;
        if self.early.is_none() {
            let (reply, replied) = oneshot::channel();
            let argument = NewArgument { ticket: self.ticket, part, reply };
            if self.commands.send(Command::SendArgument(argument)).await.is_ok()
                && let Ok(sent) = replied.await
            {
                return sent.map_err(|error| error.traced(self.trace));
            }
            // The call has ended.
            self.early = Some(self.ended().await);
        }
        match &self.early {
            Some(Err(error)) => Err(error.clone()),
            _ => {
                let text = "the method has returned without this part";
                Err(CallError::new(CallErrorKind::Cancelled, text).traced(self.trace))
            }
        }
    }

    /// Ends the parts, and returns what the method returns.
    ///
    /// # Errors
    /// As [`ServiceHandle::call`].
    ///
    /// # Cancel safety
    /// If the future is dropped, the call is cancelled.
    pub async fn finish(mut self) -> Result<Json, CallError> {
        if let Some(result) = self.early.take() {
            return result;
        }
        // A node that has left its bus ends the call.
        let _ = self.commands.send(Command::EndArguments { ticket: self.ticket }).await;
        self.ended().await
    }

    async fn ended(&mut self) -> Result<Json, CallError> {
        let lost = || CallError::new(CallErrorKind::PeerLost, "the node is not on the bus any more");
        let result = (&mut self.result).await.unwrap_or_else(|_| Err(lost()));
        self.is_ended = true;
        result.map_err(|error| error.traced(self.trace))
    }
}

impl Drop for CallUpload {
    fn drop(&mut self) {
        if !self.is_ended {
            // If the queue is full, the call ends at its deadline.
            let _ = self.commands.try_send(Command::CancelCall { ticket: self.ticket });
        }
    }
}

impl fmt::Debug for CallUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallUpload").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}
