use std::time::Duration;

/// An unconfirmed probe is repeated with the next heartbeat, and then with each second one.
const MAX_PROBE_DOUBLINGS: u32 = 1;

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

impl MembershipOptions {
    /// Returns the time between a probe and the next one, after this number of unconfirmed ones.
    pub(super) fn probe_pause(&self, probes: u32) -> Duration {
        // A little less than the interval, which varies by 10 %.
        self.heartbeat * 2u32.pow(probes.min(MAX_PROBE_DOUBLINGS)) * 8 / 10
    }
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
