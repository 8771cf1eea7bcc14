use crate::{NodeInstance, TableId};

/// A node that wants to subscribe to a table of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribingNode {
    /// The node, as it names itself: nothing proves it.
    pub node: NodeInstance,
    /// The table.
    pub table: TableId,
}
