use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;
use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};

use super::choice::Turns;
use super::retried_calls::RetriedCalls;
use crate::calls::{CallId, RunId};
use crate::node::Ticket;
use crate::service::{ArgumentItem, CallItem, NewArgument, NewPart};
use crate::{CallError, CallResult, Instance, NodeInstance, ServiceId};

/// The calls that services of this node have made, and those that run here.
#[derive(Default)]
pub(super) struct PendingCalls {
    pub(super) by_id: HashMap<CallId, Waiting, RandomState>,
    /// The call of each ticket that is not one of several services.
    pub(super) tickets: HashMap<Ticket, CallId, RandomState>,
    pub(super) gathers: HashMap<Ticket, Gather>,
    /// The service of each method that runs.
    pub(super) runs: HashMap<RunId, ServiceId, RandomState>,
    /// The parts of each run that wait for the credit of its caller.
    pub(super) waiting_parts: HashMap<RunId, VecDeque<NewPart>, RandomState>,
    /// The part of the arguments of each call that waits for the credit of its callee.
    pub(super) waiting_arguments: HashMap<Ticket, NewArgument, RandomState>,
    /// The ways of the parts of arguments to the methods that run.
    pub(super) argument_readers: HashMap<RunId, mpsc::Sender<ArgumentItem>, RandomState>,
    pub(super) turns: Turns,
    pub(super) retried: RetriedCalls,
}

/// The receiver of the result of a call.
pub(super) enum Waiting {
    /// One caller.
    One(Ticket, oneshot::Sender<Result<Json, CallError>>),
    /// A call that is retried, at this instance.
    Retried(Ticket, Instance),
    /// The reader of a call with parts.
    Stream(Ticket, mpsc::Sender<CallItem>),
    /// A caller that has called several services.
    Gather(Ticket, NodeInstance, ServiceId),
}

/// The results so far of a call to several services.
pub(super) struct Gather {
    pub(super) missing: usize,
    /// The number of services that have not returned a result and are needed; 0 only after the last.
    pub(super) needed: usize,
    pub(super) results: Vec<CallResult>,
    /// The calls, of which some may have ended.
    pub(super) ids: Vec<CallId>,
    pub(super) reply: oneshot::Sender<Result<Vec<CallResult>, CallError>>,
}
