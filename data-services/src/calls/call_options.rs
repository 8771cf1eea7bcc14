use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// The timers and bounds of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallOptions {
    /// After this time without any acknowledgement a call fails. Default 5 s, `ping_timeout` of Congress. A fifth of it
    /// is the pause between two copies of a request.
    pub(crate) ping_timeout: Duration,
    /// The pause between two reports that a call still runs. Default 2 s.
    pub(crate) progress_interval: Duration,
    /// The longest deadline of a call. Default 1 h, six times the longest of Congress (`execute_action_retry_timeout`,
    /// 600 s).
    pub(crate) longest_deadline: Duration,
    /// The maximum number of calls of this node that have not ended. Default 10,000.
    pub(crate) pending_calls: usize,
    /// The maximum number of bytes of arguments of this node's calls that are not yet acknowledged. Default 64 MiB.
    pub(crate) pending_bytes: usize,
    /// The maximum number of calls that run on this node. Default 10,000.
    pub(crate) running_calls: usize,
    /// The maximum number of calls that one service of this node runs. Default 1,000.
    pub(crate) running_per_service: usize,
    /// The maximum number of bytes of arguments of calls that run on this node. Default 64 MiB.
    pub(crate) running_bytes: usize,
    /// The maximum number of results that this node keeps for callers that may ask again. Default 100,000.
    pub(crate) kept_results: usize,
    /// The maximum number of bytes of those results. Default 64 MiB.
    pub(crate) kept_bytes: usize,
    /// How long an idempotency key is kept after the deadline of its call. Default 10 min.
    pub(crate) key_retention: Duration,
    /// The maximum number of idempotency keys that this node keeps; further calls with keys are refused. Default 100,000.
    pub(crate) kept_keys: usize,
    /// The maximum number of bytes of their results; the oldest are dropped, but not their keys. Default 64 MiB.
    pub(crate) kept_key_bytes: usize,
    /// The maximum number of parts of one call that are sent and have not arrived. Default 64.
    pub(crate) part_window: u64,
    /// The maximum number of bytes of such parts of all calls that run on this node; and the same for parts of arguments, of this
    /// node's calls that have not arrived, and of calls that run on this node that were not read. Default 64 MiB.
    pub(crate) part_bytes: usize,
    /// The maximum number of parts of the arguments of one call that are on their way or were not read. Default 16.
    pub(crate) argument_window: u64,
    /// The maximum number of sessions, one for each calling instance. Default 10,000.
    pub(crate) sessions: usize,
    /// The maximum number of ranges of ended numbers that a session distinguishes. Default 1,000.
    pub(crate) ranges: usize,
}

impl CallOptions {
    /// The pause between two copies of a request.
    pub(crate) fn resend_after(&self) -> Duration {
        self.ping_timeout / 5
    }

    /// The pause between two requests for a session. Shorter than that between two copies of a call: all calls to an instance
    /// wait for the one session.
    pub(crate) fn reopen_after(&self) -> Duration {
        self.ping_timeout / 20
    }

    /// How long an unused session is kept. Twice the longest deadline: when a session ends, none of its calls can still
    /// be pending at the caller, even if one of the two clocks runs at twice the speed of the other.
    pub(crate) fn retention(&self) -> Duration {
        self.longest_deadline * 2
    }
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            ping_timeout: Duration::from_secs(5),
            progress_interval: Duration::from_secs(2),
            longest_deadline: Duration::from_secs(3600),
            pending_calls: 10_000,
            pending_bytes: 64 * MIB,
            running_calls: 10_000,
            running_per_service: 1_000,
            running_bytes: 64 * MIB,
            kept_results: 100_000,
            kept_bytes: 64 * MIB,
            key_retention: Duration::from_secs(600),
            kept_keys: 100_000,
            kept_key_bytes: 64 * MIB,
            part_window: 64,
            part_bytes: 64 * MIB,
            argument_window: 16,
            sessions: 10_000,
            ranges: 1_000,
        }
    }
}
