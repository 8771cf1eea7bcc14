mod callee_counters;
mod callee_effect;
mod endings;
mod incoming;
mod incoming_parts;
mod kept_results;
mod keyed_runs;
mod parts;
mod requests;
mod run_id;
mod runs;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value as Json;

pub(crate) use self::callee_counters::CalleeCounters;
pub(crate) use self::callee_effect::CalleeEffect;
use self::kept_results::KeptResults;
use self::keyed_runs::{KeyedId, KeyedRuns};
pub(crate) use self::parts::PartOutcome;
pub(crate) use self::run_id::RunId;
use self::runs::Runs;
use self::session::Session;
use super::call_message::CallMessage;
use super::call_options::CallOptions;
use super::payload;
use super::timers::Timers;
use crate::{CallError, CallErrorKind, Instance, ServiceId};

/// The calls that other nodes, and this one, make to the services of this node. The protocol: [`calls`](super).
#[derive(Debug)]
pub(crate) struct Callee {
    me: Instance,
    options: CallOptions,
    sessions: BTreeMap<Instance, Session>,
    last_session: u64,
    runs: Runs,
    kept: KeptResults,
    keyed: KeyedRuns,
    /// The bytes of parts that have not arrived.
    part_bytes: usize,
    /// The bytes of parts of arguments that have arrived and were not read.
    incoming_bytes: usize,
    draining: BTreeSet<ServiceId>,
    node_is_draining: bool,
    /// The callers of calls that were accepted and not yet acknowledged.
    unacknowledged: BTreeSet<Instance>,
    timers: Timers<CalleeTimer>,
    counters: CalleeCounters,
}

/// What is due at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum CalleeTimer {
    /// The caller does not wait for a call any more.
    Call(Instance, u64),
    /// `Progress` is sent.
    Progress(Instance),
    /// A session that is not used any more is forgotten.
    Forget(Instance),
    /// The run of a key is cancelled, or a key is forgotten.
    Key(KeyedId),
}

impl Callee {
    /// Of the node of this instance, without any call.
    pub(crate) fn new(me: Instance, options: CallOptions) -> Self {
        Self {
            me,
            options,
            sessions: BTreeMap::new(),
            last_session: 0,
            runs: Runs::default(),
            kept: KeptResults::default(),
            keyed: KeyedRuns::default(),
            part_bytes: 0,
            incoming_bytes: 0,
            draining: BTreeSet::new(),
            node_is_draining: false,
            unacknowledged: BTreeSet::new(),
            timers: Timers::new(),
            counters: CalleeCounters::default(),
        }
    }

    /// Acknowledges the calls that were accepted since the last time and still run. It is due after a few messages, at the
    /// latest when all messages that arrived together are handled.
    pub(crate) fn acknowledge(&mut self, effects: &mut Vec<CalleeEffect>) {
        while let Some(caller) = self.unacknowledged.pop_first() {
            let session = self.sessions.get_mut(&caller);
            effects.extend(session.and_then(Session::acknowledge).map(CalleeEffect::Send));
        }
    }

    /// Returns whether [`acknowledge`](Self::acknowledge) is due.
    pub(crate) fn owes_acknowledgements(&self) -> bool {
        !self.unacknowledged.is_empty()
    }

    /// A run has ended. After the run was cancelled, or its service [stopped](Self::stopped), the result is dropped.
    pub(crate) fn finished(
        &mut self,
        run: RunId,
        result: Result<Json, CallError>,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let Some(ended) = self.end_run(run) else {
            self.counters.finished_late += 1;
            return;
        };
        self.counters.finished += 1;
        let result = result.map_err(CallError::shortened).and_then(|value| {
            payload::encode(&value).map_err(|text| {
                let text = format!("the result of a method of {} is refused: {text}", ended.service);
                CallError::new(CallErrorKind::Remote, text)
            })
        });
        self.end_calls(run, &ended, &result, effects);
    }

    /// Refuses new calls of a service as [`CallErrorKind::Draining`], until [`resume`](Self::resume) or
    /// [`stopped`](Self::stopped). Those that run go on.
    pub(crate) fn drain(&mut self, service: &ServiceId) {
        self.draining.insert(service.clone());
    }

    /// Refuses new calls of all services, for good.
    pub(crate) fn drain_node(&mut self) {
        self.node_is_draining = true;
    }

    /// Accepts calls of a service again.
    pub(crate) fn resume(&mut self, service: &ServiceId) {
        self.draining.remove(service);
    }

    /// A service has stopped, and none of its methods runs any more: their callers get
    /// [`CallErrorKind::Draining`], with the remark that the method has begun.
    pub(crate) fn stopped(&mut self, service: &ServiceId, effects: &mut Vec<CalleeEffect>) {
        self.draining.remove(service);
        for run in self.runs.ids_of(service) {
            if let Some(ended) = self.end_run(run) {
                let text = format!("{service} stopped before the method had ended");
                let error = CallError::new(CallErrorKind::Draining, text).with_may_have_run(true);
                self.end_calls(run, &ended, &Err(error), effects);
            }
        }
    }

    /// Cancels the runs of calls of an instance that is down or has left.
    pub(crate) fn peer_lost(&mut self, instance: Instance, effects: &mut Vec<CalleeEffect>) {
        let numbers = self.sessions.get(&instance).map(Session::running).unwrap_or_default();
        for number in numbers {
            if let Some(run) = self.run_of(instance, number) {
                self.cancel(run, effects);
                let text = "the call was cancelled because the callee had lost the node of the caller";
                let error = CallError::new(CallErrorKind::PeerLost, text);
                self.remember(instance, number, Err(error));
            }
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Duration, effects: &mut Vec<CalleeEffect>) {
        while let Some(timer) = self.timers.pop(now) {
            match timer {
                CalleeTimer::Call(caller, number) => self.forget_call(caller, number, effects),
                CalleeTimer::Progress(caller) => self.progress(now, caller, effects),
                CalleeTimer::Forget(caller) => self.forget_session(now, caller),
                CalleeTimer::Key(id) => self.key_is_due(now, id, effects),
            }
        }
    }

    /// The time of the next [`tick`](Self::tick).
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// The number of calls of a service that run.
    #[cfg(test)]
    pub(crate) fn running_of(&self, service: &ServiceId) -> usize {
        self.runs.of_service(service)
    }

    /// The number of calls that run.
    pub(crate) fn running(&self) -> usize {
        self.runs.len()
    }

    /// The number of results that are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// The counters.
    pub(crate) fn counters(&self) -> CalleeCounters {
        self.counters
    }

    /// Returns whether nothing is remembered.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let is_idle = self.runs.len() == 0 && self.kept.len() == 0 && self.timers.next().is_none();
        is_idle
            && self.sessions.is_empty()
            && self.keyed.len() == 0
            && (self.part_bytes, self.incoming_bytes) == (0, 0)
    }

    fn progress(&mut self, now: Duration, caller: Instance, effects: &mut Vec<CalleeEffect>) {
        let Some(session) = self.sessions.get(&caller) else { return };
        let numbers = session.running();
        if !numbers.is_empty() {
            let message = CallMessage::Progress { session: session.number, numbers };
            effects.push(CalleeEffect::Send(session.send(message)));
            self.timers.set(CalleeTimer::Progress(caller), now + self.options.progress_interval);
            self.repeat_argument_credits(caller, effects);
        }
    }

    fn forget_session(&mut self, now: Duration, caller: Instance) {
        let Some(session) = self.sessions.get(&caller) else { return };
        let at = session.heard + self.options.retention();
        if now >= at && session.calls.is_empty() {
            self.sessions.remove(&caller);
            self.timers.clear(CalleeTimer::Progress(caller));
        } else {
            self.timers.set(CalleeTimer::Forget(caller), at.max(now + self.options.progress_interval));
        }
    }
}
