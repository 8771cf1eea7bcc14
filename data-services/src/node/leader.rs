use std::fmt;

use crate::{CallError, CallErrorKind, MethodId, NodeInstance, ServiceId};

/// The method of every service by which a caller becomes its leader.
pub(crate) const LEAD: &str = "$lead";

/// The method of every service by which its leader ends that.
pub(crate) const RELEASE: &str = "$release";

/// Returns whether a method of this name is one of the engine.
pub(crate) fn is_reserved(method: &MethodId) -> bool {
    method.as_str().starts_with('$')
}

/// The service that may call the leader-only methods of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leader {
    /// Its node.
    pub(crate) node: NodeInstance,
    /// Its name.
    pub(crate) service: ServiceId,
    /// The number of its leadership, by which it ends it.
    pub(crate) term: u64,
    /// The registry has shown it: from then on, it ends when the registry does not.
    pub(crate) is_registered: bool,
}

impl Leader {
    /// Returns whether a caller is the leader.
    pub(crate) fn is(&self, node: &NodeInstance, service: &ServiceId) -> bool {
        self.node.instance == node.instance && self.service == *service
    }
}

/// `nova on node-1`.
impl fmt::Display for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.service, self.node.node)
    }
}

/// The error for a caller that is not the leader. `led` is the service that it called.
pub(crate) fn denied(led: &ServiceId, leader: Option<&Leader>) -> CallError {
    let text = match leader {
        Some(leader) => format!("service {led} is led by {leader}, until that releases it or is lost"),
        None => {
            format!("service {led} has no leader, and this method is for its leader: become the leader first")
        }
    };
    CallError::new(CallErrorKind::Denied, text)
}
