use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::Result;
use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};

use super::admission::Admission;
use super::commit::Commit;
use super::ticket::Ticket;
use crate::calls::RunId;
use crate::service::{CallItem, EventQueue, NewArgument, NewPart, ServiceInput};
use crate::tables::Prepush;
use crate::{
    Address, CallError, CallResult, Delivery, InstanceChoice, MethodId, NodeId, NodeReport, ServiceEntry,
    ServiceId, ServiceState, SubscriptionId, TableId, TraceId,
};

/// What the handles of a node ask its task to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Start a service.
    Start {
        service: ServiceId,
        entry: ServiceEntry,
        inputs: mpsc::Sender<ServiceInput>,
        beginning: Beginning,
        rules: LocalRules,
        reply: oneshot::Sender<Result<()>>,
    },
    /// Set the state of a service.
    SetState { service: ServiceId, state: ServiceState, reply: oneshot::Sender<Result<()>> },
    /// Refuse further calls, and reply when none runs.
    Drain { service: ServiceId, reply: oneshot::Sender<Result<()>> },
    /// Stop a service.
    Stop { service: ServiceId, reply: oneshot::Sender<Result<()>> },
    /// Change tables.
    Commit { service: ServiceId, commit: Commit, reply: oneshot::Sender<Result<usize>> },
    /// Mark a table as stale, with the reason, or as current.
    SetStale {
        service: ServiceId,
        table: TableId,
        reason: Option<String>,
        reply: oneshot::Sender<Result<()>>,
    },
    /// Send data that is not part of a table.
    SendRaw { service: ServiceId, table: TableId, value: Json, reply: oneshot::Sender<Result<()>> },
    /// Subscribe to a table.
    Subscribe {
        subscription: SubscriptionId,
        subscriber: ServiceId,
        address: Address,
        table: TableId,
        interval: Option<Duration>,
        queue: Arc<EventQueue>,
        reply: oneshot::Sender<Result<()>>,
    },
    /// End a subscription.
    Unsubscribe { subscription: SubscriptionId },
    /// The reader of a subscription missed changes: send it the whole tables.
    ResendTables { subscription: SubscriptionId },
    /// Call one service.
    Call { ticket: Ticket, call: NewCall, reply: oneshot::Sender<Result<Json, CallError>> },
    /// Call every service that listens on the address.
    CallAll { ticket: Ticket, call: NewCall, reply: oneshot::Sender<Result<Vec<CallResult>, CallError>> },
    /// Call one service, and hand over the parts of its result.
    CallStream { ticket: Ticket, call: NewCall, items: mpsc::Sender<CallItem> },
    /// The reader of a call has read parts.
    PartsRead { ticket: Ticket, count: u64 },
    /// A method sends a part of its result.
    SendPart(NewPart),
    /// A caller sends a part of its arguments.
    SendArgument(NewArgument),
    /// The arguments of a call have no more parts.
    EndArguments { ticket: Ticket },
    /// A method has read parts of its arguments.
    ArgumentsRead { run: RunId, count: u64 },
    /// The caller waits no more.
    CancelCall { ticket: Ticket },
    /// Methods have ended.
    Finished { ends: Vec<(RunId, Result<Json, CallError>)> },
    /// Report what the node knows.
    Inspect { reply: oneshot::Sender<NodeReport> },
    /// Leave the bus.
    Leave { reply: oneshot::Sender<()> },
}

impl Command {
    /// Whether a call begins or ends: there may be many of these together.
    pub(super) fn is_of_call(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::CancelCall { .. } | Self::Finished { .. })
    }
}

/// What a service declares for its own node only.
#[derive(Debug, Default)]
pub(crate) struct LocalRules {
    pub(crate) prepush: PrepushHooks,
    /// The methods that only the leader of the service may call.
    pub(crate) leader_only: BTreeSet<MethodId>,
    /// The methods that read parts of their arguments.
    pub(crate) with_parts: BTreeSet<MethodId>,
    /// What decides about subscribers.
    pub(crate) admission: Option<Admission>,
}

/// The hooks that see each difference of a table before it is published.
#[derive(Default)]
pub(crate) struct PrepushHooks(pub(crate) Vec<(TableId, Prepush)>);

impl fmt::Debug for PrepushHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(table, _)| table)).finish()
    }
}

/// Whether a service is new or takes over from a running one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// The node must not have another one of this name.
    New,
    /// It takes over the tables that it declares, with their subscribers, from the one of its name; the others end.
    Replacing,
    /// It takes over all tables of the one of its name.
    TakingOver,
}

/// A call that is about to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewCall {
    pub(crate) caller: ServiceId,
    pub(crate) node: Option<NodeId>,
    pub(crate) address: Address,
    pub(crate) method: MethodId,
    pub(crate) arguments: Json,
    pub(crate) deadline: Duration,
    pub(crate) choice: InstanceChoice,
    pub(crate) quorum: Option<usize>,
    pub(crate) delivery: Delivery,
    /// The number of parts that may be on their way; 0 for a call with one result.
    pub(crate) window: u64,
    /// Whether parts of the arguments follow.
    pub(crate) sends_parts: bool,
    pub(crate) trace: Option<TraceId>,
}
