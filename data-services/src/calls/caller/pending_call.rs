use std::sync::Arc;
use std::time::Duration;

use super::outgoing_parts::OutgoingParts;
use crate::calls::Invocation;
use crate::calls::received_parts::ReceivedParts;
use crate::{CallError, CallErrorKind, NodeInstance};

/// A call that has not ended.
#[derive(Debug)]
pub(super) struct PendingCall {
    pub(super) invocation: Invocation,
    /// Empty after the acknowledgement: the callee has them then.
    pub(super) arguments: Arc<str>,
    /// Without an acknowledgement, the call ends now.
    pub(super) accept_by: Duration,
    pub(super) deadline: Duration,
    pub(super) phase: CallPhase,
    /// For a call whose result has parts.
    pub(super) parts: Option<ReceivedParts<Result<Arc<str>, CallError>>>,
    /// For a call whose arguments have parts.
    pub(super) outgoing: Option<OutgoingParts>,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallPhase {
    /// It waits for a session; nothing was sent.
    Waiting,
    /// It was sent in this session, and not acknowledged.
    Sent(u64),
    /// It was acknowledged in this session.
    Accepted(u64),
}

impl PendingCall {
    /// The time at which the call ends in its phase.
    pub(super) fn ends(&self) -> Duration {
        match self.phase {
            CallPhase::Accepted(_) => self.deadline,
            CallPhase::Waiting | CallPhase::Sent(_) => self.deadline.min(self.accept_by),
        }
    }

    /// The session in which the call was sent.
    pub(super) fn session(&self) -> Option<u64> {
        match self.phase {
            CallPhase::Waiting => None,
            CallPhase::Sent(session) | CallPhase::Accepted(session) => Some(session),
        }
    }

    /// The error with which it ends in its phase. `what` is the rest of a sentence that begins with the call.
    pub(super) fn error(&self, target: &NodeInstance, kind: CallErrorKind, what: &str) -> CallError {
        let invocation = &self.invocation;
        let consequence = match self.phase {
            CallPhase::Waiting => "it has not run",
            CallPhase::Sent(_) => "it may have run",
            CallPhase::Accepted(_) => "it was accepted and may have run",
        };
        CallError::new(kind, format!("call of {invocation} at {target} {what}; {consequence}"))
            .with_may_have_run(self.phase != CallPhase::Waiting)
    }
}
