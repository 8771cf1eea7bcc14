use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::RunId;
use super::incoming_parts::IncomingParts;
use crate::calls::call_message::CallMessage;
use crate::calls::number_ranges::NumberRanges;
use crate::calls::sent_parts::SentParts;
use crate::packet::{Destination, Message, Outgoing};
use crate::{CallError, NodeInstance};

/// What the callee remembers of the calls of one instance.
///
/// Each number is in `calls`, or in `ended`, or has never arrived. Only the last are run.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) number: u64,
    pub(super) caller: NodeInstance,
    /// The latest message of the caller.
    pub(super) heard: Duration,
    /// Calls that run, or have a result that the caller may ask for.
    pub(super) calls: BTreeMap<u64, KnownCall>,
    /// The parts of calls with parts that are among them.
    pub(super) parts: BTreeMap<u64, SentParts>,
    /// The arguments of running calls whose callers send them in parts.
    pub(super) incoming: BTreeMap<u64, IncomingParts>,
    /// Calls that were accepted and not yet acknowledged.
    pub(super) accepted: Vec<u64>,
    /// Calls that have ended and are forgotten, and those that never shall run.
    ended: NumberRanges,
}

/// A call that the callee has accepted or refused.
#[derive(Debug)]
pub(super) struct KnownCall {
    pub(super) state: CallState,
}

impl KnownCall {
    fn runs(&self) -> bool {
        matches!(self.state, CallState::Running(_))
    }
}

/// How far a call is at the callee.
#[derive(Debug)]
pub(super) enum CallState {
    /// It runs.
    Running(RunId),
    /// It has ended.
    Ended {
        /// The place in the order of all results that are kept.
        order: u64,
        /// The result.
        result: Result<Arc<str>, CallError>,
    },
}

impl Session {
    pub(super) fn new(now: Duration, number: u64, caller: NodeInstance) -> Self {
        Self {
            number,
            caller,
            heard: now,
            calls: BTreeMap::new(),
            parts: BTreeMap::new(),
            incoming: BTreeMap::new(),
            accepted: Vec::new(),
            ended: NumberRanges::default(),
        }
    }

    /// Returns whether a call that is not in `calls` must not run.
    pub(super) fn has_ended(&self, number: u64) -> bool {
        self.ended.contains(number)
    }

    /// Notes that a number must not run. With too many ranges, calls of the lowest numbers that have not arrived will be
    /// refused.
    pub(super) fn end(&mut self, number: u64, ranges: usize) {
        self.ended.insert(number);
        self.bound(ranges);
    }

    /// Notes that all lower numbers must not run.
    pub(super) fn end_below(&mut self, below: u64) {
        self.ended.insert_below(below);
    }

    fn bound(&mut self, ranges: usize) {
        while self.ended.len() > ranges {
            self.ended.join_lowest();
        }
    }

    /// The numbers of the calls that run.
    pub(super) fn running(&self) -> Vec<u64> {
        self.calls.iter().filter(|(_, call)| call.runs()).map(|(number, _)| *number).collect()
    }

    /// The acknowledgement of the calls that were accepted and run; `None` if there are none. The result of a call that has
    /// ended is its acknowledgement.
    pub(super) fn acknowledge(&mut self) -> Option<Outgoing> {
        let Self { calls, accepted, .. } = self;
        accepted.retain(|number| calls.get(number).is_some_and(KnownCall::runs));
        let numbers = std::mem::take(accepted);
        (!numbers.is_empty()).then(|| self.send(CallMessage::Accepted { numbers }))
    }

    /// The end of a call.
    pub(super) fn result(&self, number: u64, result: &Result<Arc<str>, CallError>) -> CallMessage {
        let parts = self.parts.get(&number).map_or(0, SentParts::sent);
        CallMessage::Result { number, parts, result: result.clone() }
    }

    /// A message to the caller.
    pub(super) fn send(&self, message: CallMessage) -> Outgoing {
        Outgoing { to: Destination::Instance(self.caller.instance), message: Message::Call(message) }
    }
}
