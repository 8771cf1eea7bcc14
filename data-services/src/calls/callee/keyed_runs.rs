use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;

use super::RunId;
use crate::calls::call_message::CallRequest;
use crate::calls::call_options::CallOptions;
use crate::{CallError, CallErrorKind, IdempotencyKey, Instance, ServiceId};

/// The maximum number of calls that wait for one run.
const WAITING: usize = 1_000;

/// The calls with idempotency keys of this node: those that run, and the results of those that have ended.
///
/// A key is kept until `key_retention` after the latest deadline of the calls that waited for its run.
#[derive(Debug, Default)]
pub(super) struct KeyedRuns {
    ids: HashMap<(ServiceId, IdempotencyKey), KeyedId>,
    by_run: HashMap<RunId, KeyedId, RandomState>,
    runs: BTreeMap<KeyedId, KeyedRun>,
    /// Those whose results are kept, and the bytes of these.
    with_result: BTreeSet<KeyedId>,
    bytes: usize,
    last: u64,
}

/// The place of a key in the order of their first calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct KeyedId(u64);

/// What a key stands for.
#[derive(Debug)]
struct KeyedRun {
    name: (ServiceId, IdempotencyKey),
    /// A hash of the method and the arguments.
    print: u64,
    deadline: Duration,
    state: KeyedState,
}

#[derive(Debug)]
enum KeyedState {
    /// It runs, for these calls: callers and numbers.
    Running { run: RunId, waiting: Vec<(Instance, u64)>, is_cancelled: bool },
    /// It has ended.
    Ended(Result<Arc<str>, CallError>),
}

/// What is known of a request with a key.
#[derive(Debug)]
pub(super) enum Known {
    /// Nothing: it is the first.
    New,
    /// It runs.
    Running(RunId),
    /// It has ended.
    Ended(Result<Arc<str>, CallError>),
}

/// What follows when a key is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyDue {
    /// Nothing before this time.
    Wait(Duration),
    /// Nobody waits for the run any more; the key is due again at this time.
    Cancel(RunId, Duration),
    /// The key is forgotten.
    Forgotten,
}

impl KeyedRuns {
    /// Returns what is known of a request.
    ///
    /// # Errors
    /// [`CallErrorKind::BadArguments`] if the key was used for another method or other arguments;
    /// [`CallErrorKind::Overloaded`] if there are too many keys, or too many calls wait for the run.
    pub(super) fn find(&self, request: &CallRequest, options: &CallOptions) -> Result<Known, CallError> {
        let Some(name) = name_of(request) else { return Ok(Known::New) };
        let Some(known) = self.ids.get(&name).and_then(|id| self.runs.get(id)) else {
            return if self.runs.len() < options.kept_keys { Ok(Known::New) } else { Err(self.too_many()) };
        };
        if known.print != print_of(request) {
            let (service, key) = name;
            let text = format!(
                "idempotency key {key} was used for another call of {service}: choose a new key for each call"
            );
            return Err(CallError::new(CallErrorKind::BadArguments, text));
        }
        match &known.state {
            KeyedState::Running { waiting, .. } if waiting.len() >= WAITING => {
                let text = format!("{WAITING} calls wait for the run of this idempotency key");
                Err(CallError::new(CallErrorKind::Overloaded, text))
            }
            KeyedState::Running { run, .. } => Ok(Known::Running(*run)),
            KeyedState::Ended(result) => Ok(Known::Ended(result.clone())),
        }
    }

    /// Notes the run of a request; returns the place of its key, if it has one.
    pub(super) fn begin(
        &mut self,
        run: RunId,
        request: &CallRequest,
        caller: Instance,
        deadline: Duration,
    ) -> Option<KeyedId> {
        let name = name_of(request)?;
        self.last += 1;
        let id = KeyedId(self.last);
        let waiting = vec![(caller, request.number)];
        let state = KeyedState::Running { run, waiting, is_cancelled: false };
        self.ids.insert(name.clone(), id);
        self.by_run.insert(run, id);
        self.runs.insert(id, KeyedRun { name, print: print_of(request), deadline, state });
        Some(id)
    }

    /// Notes that one more call waits for a run.
    pub(super) fn join(&mut self, run: RunId, caller: Instance, number: u64, deadline: Duration) {
        let Some(known) = self.by_run.get(&run).and_then(|id| self.runs.get_mut(id)) else { return };
        known.deadline = known.deadline.max(deadline);
        if let KeyedState::Running { waiting, .. } = &mut known.state {
            waiting.push((caller, number));
        }
    }

    /// Returns whether a run has a key.
    pub(super) fn has(&self, run: RunId) -> bool {
        self.by_run.contains_key(&run)
    }

    /// Keeps the result of a run, or forgets its key if there is none. Returns the calls that wait; `None` for a run without a
    /// key.
    pub(super) fn ended(
        &mut self,
        run: RunId,
        result: &Result<Arc<str>, CallError>,
        options: &CallOptions,
    ) -> Option<Vec<(Instance, u64)>> {
        let id = self.by_run.remove(&run)?;
        let known = self.runs.get_mut(&id)?;
        let ended = KeyedState::Ended(result.clone());
        let KeyedState::Running { waiting, .. } = std::mem::replace(&mut known.state, ended) else {
            return None;
        };
        if let Ok(text) = result {
            self.with_result.insert(id);
            self.bytes += text.len();
        }
        if !is_final(result) {
            self.forget(id);
        }
        self.drop_results(options);
        Some(waiting)
    }

    /// Does what is due for a key.
    pub(super) fn due(&mut self, now: Duration, id: KeyedId, retention: Duration) -> KeyDue {
        let Some(known) = self.runs.get_mut(&id) else { return KeyDue::Forgotten };
        let (deadline, forgotten_at) = (known.deadline, known.deadline + retention);
        match &mut known.state {
            KeyedState::Running { .. } if now < deadline => KeyDue::Wait(deadline),
            KeyedState::Running { run, is_cancelled, .. } => {
                let again = now + retention;
                if std::mem::replace(is_cancelled, true) {
                    KeyDue::Wait(again)
                } else {
                    KeyDue::Cancel(*run, again)
                }
            }
            KeyedState::Ended(_) if now < forgotten_at => KeyDue::Wait(forgotten_at),
            KeyedState::Ended(_) => {
                self.forget(id);
                KeyDue::Forgotten
            }
        }
    }

    /// The number of keys.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    fn too_many(&self) -> CallError {
        let text = format!("the callee keeps {} idempotency keys, which is the maximum", self.runs.len());
        CallError::new(CallErrorKind::Overloaded, text)
    }

    fn forget(&mut self, id: KeyedId) {
        let Some(known) = self.runs.remove(&id) else { return };
        self.ids.remove(&known.name);
        self.with_result.remove(&id);
        if let KeyedState::Ended(Ok(text)) = &known.state {
            self.bytes -= text.len();
        }
    }

    /// Drops the oldest results that are too many. Their keys stay, so that they do not run again.
    fn drop_results(&mut self, options: &CallOptions) {
        while self.bytes > options.kept_key_bytes
            && let Some(oldest) = self.with_result.pop_first()
            && let Some(known) = self.runs.get_mut(&oldest)
        {
            let text = "the callee no longer keeps the result of this idempotency key";
            let lost = KeyedState::Ended(Err(CallError::new(CallErrorKind::ResultLost, text)));
            if let KeyedState::Ended(Ok(dropped)) = std::mem::replace(&mut known.state, lost) {
                self.bytes -= dropped.len();
            }
        }
    }
}

/// Whether a result is that of a run which has ended by itself.
fn is_final(result: &Result<Arc<str>, CallError>) -> bool {
    let is_interruption = |kind| matches!(kind, CallErrorKind::Draining | CallErrorKind::Cancelled);
    result.as_ref().err().is_none_or(|error| error.may_have_run() && !is_interruption(error.kind()))
}

fn name_of(request: &CallRequest) -> Option<(ServiceId, IdempotencyKey)> {
    let invocation = &request.invocation;
    Some((invocation.service.clone(), invocation.key.clone()?))
}

fn print_of(request: &CallRequest) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.invocation.method.hash(&mut hasher);
    request.arguments.hash(&mut hasher);
    hasher.finish()
}
