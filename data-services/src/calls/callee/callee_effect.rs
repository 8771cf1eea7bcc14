use std::time::Duration;

use serde_json::Value as Json;

use super::RunId;
use crate::NodeInstance;
use crate::calls::Invocation;
use crate::packet::Outgoing;

/// What a [`Callee`](super::Callee) demands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CalleeEffect {
    /// Send this.
    Send(Outgoing),
    /// Run a method, and report its end by [`Callee::finished`](super::Callee::finished), also after a `Cancel`. Never
    /// twice for one call.
    Run {
        /// The run.
        run: RunId,
        /// The node that called.
        caller: NodeInstance,
        /// What it runs.
        invocation: Invocation,
        /// The arguments.
        arguments: Json,
        /// The time after which nobody waits for the result.
        deadline: Duration,
    },
    /// The caller of this run can receive more parts.
    Credit(RunId),
    /// The next part of the arguments of a run.
    Argument {
        /// The run.
        run: RunId,
        /// The part.
        part: Json,
    },
    /// The arguments of this run have no more parts.
    ArgumentsEnd(RunId),
    /// Nobody waits for this run any more.
    Cancel(RunId),
}
