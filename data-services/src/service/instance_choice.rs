/// Which of several services of one address a call goes to. Only services that accept calls are candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InstanceChoice {
    /// The one on the node of the caller if there is one, otherwise as [`RoundRobin`](Self::RoundRobin).
    #[default]
    LocalFirst,
    /// Each in turn, the one on the node of the caller included. The calls of one node to one address share the turn.
    RoundRobin,
    /// The one at whose node the fewest calls of this node have not ended; among equals, each in turn. Calls of other nodes
    /// are not known here and do not count.
    LeastPending,
}
