use std::time::Duration;

use crate::{Delivery, InstanceChoice, NodeId, TraceId};

/// Where a call goes, how often it may run, and how long it may take.
///
/// ```
/// use std::time::Duration;
///
/// use data_services::{CallOptions, InstanceChoice};
///
/// let options = CallOptions::within(Duration::from_secs(2)).choose(InstanceChoice::LeastPending);
/// assert_eq!(options.node, None);
/// ```
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// The node whose service is called; by default any, by [`choice`](Self::choice).
    pub node: Option<NodeId>,
    /// How long the caller waits for the result; by default [`call_timeout`](crate::NodeOptions::call_timeout).
    pub deadline: Option<Duration>,
    /// Which of several services is called.
    pub choice: InstanceChoice,
    /// How often it may run, and whether it is repeated.
    pub delivery: Delivery,
    /// For [`call_all_with`](crate::ServiceHandle::call_all_with): the number of results after which the others are cancelled.
    /// By default it waits for every service.
    pub quorum: Option<usize>,
    /// The trace that the call belongs to: the method, its logs and the errors of the call have it.
    pub trace: Option<TraceId>,
}

impl CallOptions {
    /// Calls the service on this node only.
    #[must_use]
    pub fn on(node: NodeId) -> Self {
        Self { node: Some(node), ..Self::default() }
    }

    /// Waits at most for this time, and no longer than one hour.
    #[must_use]
    pub fn within(deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..Self::default() }
    }

    /// Sets which of several services is called.
    #[must_use]
    pub fn choose(self, choice: InstanceChoice) -> Self {
        Self { choice, ..self }
    }

    /// Sets how often the call may run.
    #[must_use]
    pub fn deliver(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }

    /// Ends a call of every service when this number of them have returned a result.
    #[must_use]
    pub fn until_quorum(self, quorum: usize) -> Self {
        Self { quorum: Some(quorum), ..self }
    }

    /// Sets the trace that the call belongs to; a method passes [its own](crate::Call::trace) on.
    #[must_use]
    pub fn traced(self, trace: impl Into<Option<TraceId>>) -> Self {
        Self { trace: trace.into(), ..self }
    }
}
