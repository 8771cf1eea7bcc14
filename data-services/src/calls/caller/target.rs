use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::pending_call::PendingCall;
use crate::NodeInstance;
use crate::calls::call_message::{CallMessage, CallRequest};
use crate::packet::{Destination, Message, Outgoing};

/// An instance that this node calls.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) node: NodeInstance,
    /// The session that the callee assigned. Later sessions of one callee have higher numbers.
    pub(super) session: Option<u64>,
    /// The number of the next call.
    pub(super) next: u64,
    /// When a call began or ended.
    pub(super) used: Duration,
    pub(super) calls: BTreeMap<u64, Box<PendingCall>>,
}

impl Target {
    pub(super) fn new(now: Duration, node: NodeInstance, next: u64) -> Self {
        Self { node, session: None, next, used: now, calls: BTreeMap::new() }
    }

    /// The lowest number of a call that has not ended or not begun.
    pub(super) fn settled(&self) -> u64 {
        self.calls.keys().next().copied().unwrap_or(self.next)
    }

    /// A message to this instance.
    pub(super) fn send(&self, message: CallMessage) -> Outgoing {
        Outgoing { to: Destination::Instance(self.node.instance), message: Message::Call(message) }
    }

    /// The request of a call.
    pub(super) fn request(
        &self,
        now: Duration,
        session: u64,
        number: u64,
        call: &PendingCall,
    ) -> CallMessage {
        CallMessage::Request(CallRequest {
            session,
            number,
            settled: self.settled(),
            invocation: call.invocation.clone(),
            arguments: Arc::clone(&call.arguments),
            remaining: call.deadline.saturating_sub(now),
        })
    }
}
