use std::time::Duration;

use crate::NodeId;

/// Where a call goes and how long it may take.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// The node whose service is called; by default this node, if the service runs here, and otherwise any.
    pub node: Option<NodeId>,
    /// How long the caller waits for the result; by default [`call_timeout`](crate::NodeOptions::call_timeout).
    pub deadline: Option<Duration>,
}

impl CallOptions {
    /// Calls the service on this node only.
    #[must_use]
    pub fn on(node: NodeId) -> Self {
        Self { node: Some(node), deadline: None }
    }

    /// Waits at most so long.
    #[must_use]
    pub fn within(deadline: Duration) -> Self {
        Self { node: None, deadline: Some(deadline) }
    }
}
