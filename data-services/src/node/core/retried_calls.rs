use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::calls::{RetryPlan, Timers};
use crate::node::{NewCall, Ticket};
use crate::{CallError, Instance};

/// The calls that are repeated until they have a result, and when.
pub(super) struct RetriedCalls {
    pub(super) calls: BTreeMap<Ticket, RetriedCall>,
    pub(super) due: Timers<Ticket>,
}

/// One of them.
pub(super) struct RetriedCall {
    pub(super) call: NewCall,
    pub(super) plan: RetryPlan,
    /// Where the last attempt failed.
    pub(super) avoided: Option<Instance>,
    pub(super) reply: oneshot::Sender<Result<Json, CallError>>,
}

impl Default for RetriedCalls {
    fn default() -> Self {
        Self { calls: BTreeMap::new(), due: Timers::new() }
    }
}

impl RetriedCalls {
    /// When the next attempt is due.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.due.next()
    }

    /// Forgets a call.
    pub(super) fn remove(&mut self, ticket: Ticket) {
        self.calls.remove(&ticket);
        self.due.clear(ticket);
    }

    /// Replies to a caller.
    pub(super) fn end(&mut self, ticket: Ticket, result: Result<Json, CallError>) {
        self.due.clear(ticket);
        if let Some(ended) = self.calls.remove(&ticket) {
            // The caller may have given up.
            drop(ended.reply.send(result));
        }
    }
}
