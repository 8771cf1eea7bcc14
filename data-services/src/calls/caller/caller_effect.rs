use serde_json::Value as Json;

use super::CallId;
use crate::CallError;
use crate::packet::Outgoing;

/// What a [`Caller`](super::Caller) demands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CallerEffect {
    /// Send this.
    Send(Outgoing),
    /// The next part of the result of a call.
    Part {
        /// The call.
        id: CallId,
        /// The part.
        part: Json,
    },
    /// The callee of this call can receive more parts of its arguments.
    Credit(CallId),
    /// A call has ended. Once for each call.
    Finished {
        /// The call.
        id: CallId,
        /// What the method returned, or why there is no result.
        result: Result<Json, CallError>,
    },
}
