use std::time::Duration;

use super::follow_context::FollowContext;
use super::limits::{FIRST_REQUEST, FIRST_RETRY, LONGEST_RETRY};

/// When a request is sent, and when it is repeated: later each time, for as long as it is needed.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct Retry {
    at: Option<Duration>,
    attempts: u32,
    /// No request is sent before this time.
    not_before: Duration,
}

impl Retry {
    /// When the request is due, if one is needed.
    pub(super) fn at(&self) -> Option<Duration> {
        self.at
    }

    /// A request is needed; unless one is planned, it is sent soon.
    pub(super) fn begin(&mut self, context: &mut FollowContext<'_>) {
        if self.at.is_none() {
            self.attempts = 0;
            let soon = context.now + context.jitter(FIRST_REQUEST);
            self.at = Some(soon.max(self.not_before));
        }
    }

    /// What is known has changed: a request is sent soon.
    pub(super) fn restart(&mut self, context: &mut FollowContext<'_>) {
        self.at = None;
        self.begin(context);
    }

    /// The last answer helped, and more is needed: the next request is due at once.
    pub(super) fn go_on(&mut self, now: Duration) {
        self.attempts = 0;
        self.at = Some(now.max(self.not_before));
    }

    /// A request would not help now: it is sent after half of this time to all of it.
    pub(super) fn postpone(&mut self, wait: Duration, context: &mut FollowContext<'_>) {
        self.not_before = context.now + context.jitter(wait);
        self.at = Some(self.not_before);
    }

    /// No request is needed.
    pub(super) fn end(&mut self) {
        self.at = None;
        self.attempts = 0;
    }

    /// A request was sent: it is repeated if it does not help.
    pub(super) fn sent(&mut self, context: &mut FollowContext<'_>) {
        let wait = backoff(FIRST_RETRY, self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        self.at = Some(context.now + context.jitter(wait));
    }

    /// Moves its times into the past.
    #[cfg(test)]
    pub(super) fn age(&mut self, by: Duration) {
        self.at = self.at.map(|at| at.saturating_sub(by));
        self.not_before = self.not_before.saturating_sub(by);
    }
}

/// How long the next answer may take.
pub(super) fn backoff(first: Duration, attempts: u32) -> Duration {
    first.saturating_mul(1 << attempts.min(10)).min(LONGEST_RETRY)
}
