use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Instance, NodeId};

/// The sender of a packet: a node, and which start of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeInstance {
    /// The node.
    pub node: NodeId,
    /// The start of the node.
    pub instance: Instance,
    /// The time of the start in microseconds since 1970, or one more than that of the start before: of two instances of
    /// one node, the later start has the higher number.
    pub boot: u64,
}

/// `node-1 (instance 00c0ffee00c0ffee)`.
impl fmt::Display for NodeInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (instance {})", self.node, self.instance)
    }
}
