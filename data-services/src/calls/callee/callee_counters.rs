/// What a [`Callee`](super::Callee) has counted since the start of the node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CalleeCounters {
    /// Methods that were started.
    pub(crate) started: u64,
    /// Runs that ended while the caller waited.
    pub(crate) finished: u64,
    /// Runs that ended after nobody waited any more, or whose service stopped.
    pub(crate) finished_late: u64,
    /// Calls that were refused: overloaded, draining, denied or invalid.
    pub(crate) refused: u64,
    /// Copies of requests of calls that run or have ended.
    pub(crate) duplicates: u64,
    /// Requests and queries of calls that are forgotten, or of another session.
    pub(crate) stale: u64,
    /// Results that were dropped before their deadlines, because too many were kept.
    pub(crate) results_dropped: u64,
}
