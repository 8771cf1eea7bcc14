//! How calls and their runs end.

use std::sync::Arc;
use std::time::Duration;

use super::kept_results::KeptResult;
use super::keyed_runs::{KeyDue, KeyedId};
use super::runs::Run;
use super::session::{CallState, KnownCall};
use super::{Callee, CalleeEffect, CalleeTimer, RunId};
use crate::{CallError, Instance};

impl Callee {
    /// The run of a call that runs.
    pub(super) fn run_of(&self, caller: Instance, number: u64) -> Option<RunId> {
        match self.sessions.get(&caller)?.calls.get(&number)?.state {
            CallState::Running(run) => Some(run),
            CallState::Ended { .. } => None,
        }
    }

    pub(super) fn is_running(&self, caller: Instance, number: u64, run: RunId) -> bool {
        self.run_of(caller, number) == Some(run)
    }

    /// Forgets a run that has ended; returns it if somebody waits for it, or may.
    pub(super) fn end_run(&mut self, run: RunId) -> Option<Run> {
        let ended = self.runs.end(run)?;
        let is_awaited = self.keyed.has(run) || self.is_running(ended.caller, ended.number, run);
        is_awaited.then_some(ended)
    }

    /// Ends the calls that wait for a run.
    pub(super) fn end_calls(
        &mut self,
        run: RunId,
        ended: &Run,
        result: &Result<Arc<str>, CallError>,
        effects: &mut Vec<CalleeEffect>,
    ) {
        let waiting = self.keyed.ended(run, result, &self.options);
        for (caller, number) in waiting.unwrap_or_else(|| vec![(ended.caller, ended.number)]) {
            if self.is_running(caller, number, run) {
                self.end_call(caller, number, result.clone(), effects);
            }
        }
    }

    /// Cancels a run for which nobody waits. The run of a key goes on until its deadline, because a repeat may come.
    pub(super) fn cancel(&self, run: RunId, effects: &mut Vec<CalleeEffect>) {
        if !self.keyed.has(run) {
            effects.push(CalleeEffect::Cancel(run));
        }
    }

    pub(super) fn key_is_due(&mut self, now: Duration, id: KeyedId, effects: &mut Vec<CalleeEffect>) {
        match self.keyed.due(now, id, self.options.key_retention) {
            KeyDue::Wait(at) => self.timers.set(CalleeTimer::Key(id), at),
            KeyDue::Cancel(run, at) => {
                effects.push(CalleeEffect::Cancel(run));
                self.timers.set(CalleeTimer::Key(id), at);
            }
            KeyDue::Forgotten => {}
        }
    }

    /// Keeps the result of a call, and sends it.
    pub(super) fn end_call(
        &mut self,
        caller: Instance,
        number: u64,
        result: Result<Arc<str>, CallError>,
        effects: &mut Vec<CalleeEffect>,
    ) {
        if let Some(session) = self.sessions.get(&caller) {
            let message = session.result(number, &result);
            effects.push(CalleeEffect::Send(session.send(message)));
        }
        self.remember(caller, number, result);
    }

    /// Keeps the result of a call in place of its run; drops the oldest results that are too many.
    pub(super) fn remember(&mut self, caller: Instance, number: u64, result: Result<Arc<str>, CallError>) {
        self.forget_arguments(caller, number);
        let Some(session) = self.sessions.get_mut(&caller) else { return };
        let bytes = match &result {
            Ok(text) => text.len(),
            Err(error) => error.to_string().len(),
        };
        let order = self.kept.insert(KeptResult { caller, number, bytes });
        session.calls.insert(number, KnownCall { state: CallState::Ended { order, result } });
        while let Some(oldest) = self.kept.in_excess(&self.options) {
            self.counters.results_dropped += 1;
            self.forget_call(oldest.caller, oldest.number, &mut Vec::new());
        }
    }

    /// Forgets a call but not that it must not run again; cancels it if it runs.
    pub(super) fn forget_call(&mut self, caller: Instance, number: u64, effects: &mut Vec<CalleeEffect>) {
        self.timers.clear(CalleeTimer::Call(caller, number));
        self.forget_parts(caller, number);
        self.forget_arguments(caller, number);
        let Some(session) = self.sessions.get_mut(&caller) else { return };
        session.end(number, self.options.ranges);
        match session.calls.remove(&number).map(|call| call.state) {
            Some(CallState::Running(run)) => self.cancel(run, effects),
            Some(CallState::Ended { order, .. }) => self.kept.remove(order),
            None => {}
        }
    }
}
