use std::time::Duration;

/// The times of a [`Membership`](super::Membership).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MembershipOptions {
    /// The time between two heartbeats; each is up to 10 % earlier or later.
    pub(crate) heartbeat: Duration,
    /// A member is suspect after this time of silence.
    pub(crate) suspect_after: Duration,
    /// A member is down after this time of silence.
    pub(crate) down_after: Duration,
    /// The time between two attempts to reach a seed or an endpoint that is down; at most 10 % more.
    pub(crate) probe_every: Duration,
}

/// The heartbeat and the timeout of Congress, 1 s and 5 s, and three missed heartbeats for suspicion.
impl Default for MembershipOptions {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(1),
            suspect_after: Duration::from_secs(3),
            down_after: Duration::from_secs(5),
            probe_every: Duration::from_secs(5),
        }
    }
}
