use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::NodeCore;
use super::pending_calls::Waiting;
use super::retried_calls::RetriedCall;
use crate::calls::{RetryNext, RetryPlan};
use crate::node::{NewCall, Ticket};
use crate::{CallError, Instance};

/// Calls that are retried.
impl NodeCore {
    pub(super) fn start_retried_call(
        &mut self,
        ticket: Ticket,
        call: NewCall,
        reply: oneshot::Sender<Result<Json, CallError>>,
    ) {
        let plan = RetryPlan::new(self.now + call.deadline);
        self.calls.retried.calls.insert(ticket, RetriedCall { call, plan, avoided: None, reply });
        self.attempt(ticket);
    }

    fn attempt(&mut self, ticket: Ticket) {
        let Some(retried) = self.calls.retried.calls.get_mut(&ticket) else { return };
        retried.call.deadline = retried.plan.remaining(self.now);
        let (call, avoided) = (retried.call.clone(), retried.avoided);
        let sent = self.choose(&call, avoided).and_then(|(target, service)| {
            let id = self.send_call(&target, service, &call)?;
            Ok((id, target.instance))
        });
        match sent {
            Ok((id, instance)) => {
                self.calls.by_id.insert(id, Waiting::Retried(ticket, instance));
                self.calls.tickets.insert(ticket, id);
            }
            Err(error) => self.retry_later(ticket, None, error),
        }
    }

    /// An attempt has failed at an instance.
    pub(super) fn retry_later(&mut self, ticket: Ticket, at: Option<Instance>, error: CallError) {
        let Some(retried) = self.calls.retried.calls.get_mut(&ticket) else { return };
        retried.avoided = at.or(retried.avoided);
        match retried.plan.failed(self.now, error) {
            RetryNext::At(due) => self.calls.retried.due.set(ticket, due),
            RetryNext::End(error) => self.calls.retried.end(ticket, Err(error)),
        }
    }

    pub(super) fn tick_retried_calls(&mut self) {
        while let Some(ticket) = self.calls.retried.due.pop(self.now) {
            self.attempt(ticket);
        }
    }
}
