/// What a [`Caller`](super::Caller) has counted since the start of the node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CallerCounters {
    /// Calls that began.
    pub(crate) started: u64,
    /// Calls that ended with a result.
    pub(crate) succeeded: u64,
    /// Calls that ended with an error; those that were refused at once are not among them.
    pub(crate) failed: u64,
    /// Calls that were refused at once, because a bound was reached or an argument was invalid.
    pub(crate) refused: u64,
    /// Copies of requests after the first, and queries.
    pub(crate) repeated: u64,
    /// Results that arrived after the end of their calls, duplicates included, and were dropped.
    pub(crate) late_results: u64,
}
