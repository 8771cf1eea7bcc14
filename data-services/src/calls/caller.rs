mod arguments;
mod call_id;
mod caller_counters;
mod caller_effect;
mod outgoing_parts;
mod parts;
mod pending_call;
mod replies;
mod sending;
mod target;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

pub(crate) use self::call_id::CallId;
pub(crate) use self::caller_counters::CallerCounters;
pub(crate) use self::caller_effect::CallerEffect;
use self::outgoing_parts::OutgoingParts;
use self::pending_call::{CallPhase, PendingCall};
use self::target::Target;
use super::Invocation;
use super::call_message::CallMessage;
use super::call_options::CallOptions;
use super::payload;
use super::received_parts::ReceivedParts;
use super::timers::Timers;
use crate::{CallError, CallErrorKind, Instance, NodeInstance};

/// The calls of this node that have not ended. The protocol: [`calls`](super).
#[derive(Debug)]
pub(crate) struct Caller {
    options: CallOptions,
    targets: BTreeMap<Instance, Target>,
    timers: Timers<CallerTimer>,
    /// The first number toward an instance that was never called, or not for long: higher than all numbers that were
    /// used toward instances that are forgotten.
    first_number: u64,
    pending: usize,
    pending_bytes: usize,
    /// The bytes of parts of arguments that have not arrived.
    part_bytes: usize,
    counters: CallerCounters,
}

/// What is due at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum CallerTimer {
    /// A call ends, or is sent again.
    Call(CallId),
    /// `Open` is sent again.
    Open(Instance),
    /// `Settled` is sent.
    Settle(Instance),
    /// An instance that is not called any more is forgotten.
    Forget(Instance),
}

impl Caller {
    /// Without any call.
    pub(crate) fn new(options: CallOptions) -> Self {
        Self {
            options,
            targets: BTreeMap::new(),
            timers: Timers::new(),
            first_number: 1,
            pending: 0,
            pending_bytes: 0,
            part_bytes: 0,
            counters: CallerCounters::default(),
        }
    }

    /// Begins a call, which ends within `limit` from now with one [`CallerEffect::Finished`].
    ///
    /// # Errors
    /// The call has not begun: [`CallErrorKind::BadArguments`] if the arguments are too large or too deep, or `limit`
    /// exceeds the longest deadline; [`CallErrorKind::Overloaded`] if too many calls of this node have not ended.
    pub(crate) fn call(
        &mut self,
        now: Duration,
        target: &NodeInstance,
        invocation: Invocation,
        arguments: &Json,
        limit: Duration,
        effects: &mut Vec<CallerEffect>,
    ) -> Result<CallId, CallError> {
        let text = self.admit(arguments, limit).map_err(|(kind, text)| {
            self.counters.refused += 1;
            CallError::new(kind, format!("call of {invocation} at {target}: {text}"))
        })?;
        let first = self.first_number;
        let place =
            self.targets.entry(target.instance).or_insert_with(|| Target::new(now, target.clone(), first));
        let id = CallId { target: target.instance, number: place.next };
        place.next += 1;
        place.used = now;
        self.pending += 1;
        self.pending_bytes += text.len();
        self.counters.started += 1;
        let (deadline, accept_by) = (now + limit, now + self.options.ping_timeout);
        let phase = CallPhase::Waiting;
        let parts = (invocation.window > 0).then(|| ReceivedParts::new(invocation.window));
        let outgoing = invocation.sends_parts.then(OutgoingParts::default);
        let call = PendingCall { invocation, arguments: text, accept_by, deadline, phase, parts, outgoing };
        place.calls.insert(id.number, Box::new(call));
        self.transmit(now, id, effects);
        Ok(id)
    }

    /// Ends a call as cancelled, and reports that to the callee. A call that has ended stays as it is.
    pub(crate) fn cancel(&mut self, now: Duration, id: CallId, effects: &mut Vec<CallerEffect>) {
        self.fail(now, id, CallErrorKind::Cancelled, "was cancelled", effects);
    }

    /// Ends the calls to an instance that is down or has left.
    pub(crate) fn peer_lost(&mut self, now: Duration, instance: Instance, effects: &mut Vec<CallerEffect>) {
        let lost = self.calls_to(instance);
        for id in &lost {
            self.fail_quietly(now, *id, CallErrorKind::PeerLost, "ended because the node was lost", effects);
        }
        if !lost.is_empty() {
            self.settle(instance, effects);
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Duration, effects: &mut Vec<CallerEffect>) {
        while let Some(timer) = self.timers.pop(now) {
            match timer {
                CallerTimer::Call(id) => self.call_is_due(now, id, effects),
                CallerTimer::Open(instance) => self.open(now, instance, effects),
                CallerTimer::Settle(instance) => self.settle(instance, effects),
                CallerTimer::Forget(instance) => self.forget(now, instance),
            }
        }
    }

    /// The time of the next [`tick`](Self::tick).
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// The number of calls that have not ended.
    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    /// The number of calls to an instance that have not ended.
    pub(crate) fn pending_at(&self, instance: Instance) -> usize {
        self.targets.get(&instance).map_or(0, |target| target.calls.len())
    }

    /// The counters.
    pub(crate) fn counters(&self) -> CallerCounters {
        self.counters
    }

    /// Returns whether nothing is remembered.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.targets.is_empty()
            && self.timers.next().is_none()
            && (self.pending, self.pending_bytes, self.part_bytes) == (0, 0, 0)
    }

    fn admit(&self, arguments: &Json, limit: Duration) -> Result<Arc<str>, (CallErrorKind, String)> {
        let options = &self.options;
        if limit > options.longest_deadline {
            let longest = options.longest_deadline;
            let text = format!("its deadline of {limit:?} exceeds the longest, {longest:?}");
            return Err((CallErrorKind::BadArguments, text));
        }
        if self.pending >= options.pending_calls {
            let text = format!("{} calls of this node have not ended, which is the maximum", self.pending);
            return Err((CallErrorKind::Overloaded, text));
        }
        let text = payload::encode(arguments)
            .map_err(|text| (CallErrorKind::BadArguments, format!("its argument is refused: {text}")))?;
        if self.pending_bytes + text.len() > options.pending_bytes {
            let text = format!("arguments of {} bytes wait to be acknowledged", self.pending_bytes);
            return Err((CallErrorKind::Overloaded, text));
        }
        Ok(text)
    }

    fn calls_to(&self, instance: Instance) -> Vec<CallId> {
        let numbers = self.targets.get(&instance).into_iter().flat_map(|target| target.calls.keys());
        numbers.map(|number| CallId { target: instance, number: *number }).collect()
    }

    /// Ends a call with an error, and reports to the callee that nobody waits.
    fn fail(
        &mut self,
        now: Duration,
        id: CallId,
        kind: CallErrorKind,
        what: &str,
        effects: &mut Vec<CallerEffect>,
    ) {
        let Some(target) = self.targets.get(&id.target) else { return };
        let session = target.calls.get(&id.number).and_then(|call| call.session());
        if let Some(session) = session {
            let cancel = CallMessage::Cancel { session, number: id.number };
            effects.push(CallerEffect::Send(target.send(cancel)));
        }
        self.fail_quietly(now, id, kind, what, effects);
    }

    /// Ends a call with an error.
    fn fail_quietly(
        &mut self,
        now: Duration,
        id: CallId,
        kind: CallErrorKind,
        what: &str,
        effects: &mut Vec<CallerEffect>,
    ) {
        let Some(target) = self.targets.get(&id.target) else { return };
        let Some(call) = target.calls.get(&id.number) else { return };
        let error = call.error(&target.node, kind, what);
        self.finish(now, id, Err(error), effects);
    }

    fn finish(
        &mut self,
        now: Duration,
        id: CallId,
        result: Result<Json, CallError>,
        effects: &mut Vec<CallerEffect>,
    ) {
        let CallId { target: instance, number } = id;
        let Some(target) = self.targets.get_mut(&instance) else { return };
        let Some(call) = target.calls.remove(&number) else { return };
        target.used = now;
        self.pending -= 1;
        self.pending_bytes -= call.arguments.len();
        self.part_bytes -= call.outgoing.as_ref().map_or(0, OutgoingParts::bytes);
        match result {
            Ok(_) => self.counters.succeeded += 1,
            Err(_) => self.counters.failed += 1,
        }
        self.timers.clear(CallerTimer::Call(id));
        self.timers.set_if_none(CallerTimer::Settle(instance), now + self.options.resend_after());
        self.timers.set_if_none(CallerTimer::Forget(instance), now + self.options.longest_deadline);
        effects.push(CallerEffect::Finished { id, result });
    }

    fn forget(&mut self, now: Duration, instance: Instance) {
        let Some(target) = self.targets.get(&instance) else { return };
        let idle_at = target.used + self.options.longest_deadline;
        if !target.calls.is_empty() || now < idle_at {
            let at = idle_at.max(now + self.options.ping_timeout);
            return self.timers.set(CallerTimer::Forget(instance), at);
        }
        self.first_number = self.first_number.max(target.next);
        self.targets.remove(&instance);
        self.timers.clear(CallerTimer::Open(instance));
        self.timers.clear(CallerTimer::Settle(instance));
    }
}
