use std::time::Duration;

use delivery::subscriber::{Phase, Tracker};

use super::FollowedTable;
use crate::tables::follow_context::FollowContext;
use crate::tables::limits::{FIRST_PAGE_RETRY, HELD_GRACE, LONGEST_RETRY, PROBE_AFTER, STALE_AFTER};
use crate::tables::retry::backoff;

/// Timers and bounds.
impl FollowedTable {
    /// Does everything that is due; the caller [settles](Self::settle) the table afterwards.
    pub(in crate::tables) fn tick(&mut self, context: &mut FollowContext<'_>) {
        if !self.is_up {
            return;
        }
        if let Some((claimed, _)) = self.claim.take_if(|(_, due)| *due <= context.now) {
            self.confirm(claimed);
        }
        while let Some(position) = self.assemblies.overdue(context.now) {
            self.confirm(position);
        }
        self.is_held_too_long |= self.held_until().is_some_and(|until| until <= context.now);
        self.check_silence(context);
        self.repeat_requests(context);
    }

    /// When something is due.
    pub(in crate::tables) fn deadline(&self) -> Option<Duration> {
        if !self.is_up {
            return None;
        }
        let claim_at = self.claim.map(|(_, due)| due);
        let held_at = self.held_until().filter(|_| !self.is_held_too_long);
        let silence = if self.is_probed { STALE_AFTER } else { PROBE_AFTER };
        let silent_at = (self.tracker.phase() == Phase::Live).then_some(self.confirmed + silence);
        let request_at = self.pull.as_ref().map(|pull| pull.retry_at).or_else(|| self.retry.at());
        let parts_at = self.assemblies.deadline();
        [claim_at, held_at, silent_at, request_at, parts_at].into_iter().flatten().min()
    }

    /// Moves its times into the past.
    #[cfg(test)]
    pub(in crate::tables) fn age(&mut self, by: Duration) {
        self.held_since = self.held_since.map(|since| since.saturating_sub(by));
        self.claim = self.claim.map(|(claimed, due)| (claimed, due.saturating_sub(by)));
        self.confirmed = self.confirmed.saturating_sub(by);
        self.retry.age(by);
        self.assemblies.age(by);
        if let Some(pull) = &mut self.pull {
            pull.retry_at = pull.retry_at.saturating_sub(by);
        }
    }

    /// What waits for a transaction is bounded: it is dropped, and requested again.
    pub(super) fn bound_ready(&mut self, context: &mut FollowContext<'_>) {
        let limit = context.options.buffer;
        if self.ready_bytes <= limit.bytes && self.ready.len() <= limit.events {
            return;
        }
        self.ready.clear();
        self.ready_bytes = 0;
        self.held_since = None;
        self.tracker = Tracker::resumed(self.rows.position(), limit);
        self.retry.postpone(LONGEST_RETRY, context);
    }

    fn held_until(&self) -> Option<Duration> {
        self.held_since.map(|since| since + HELD_GRACE)
    }

    fn check_silence(&mut self, context: &mut FollowContext<'_>) {
        if self.tracker.phase() != Phase::Live {
            return;
        }
        let silent = context.now.saturating_sub(self.confirmed);
        if silent >= STALE_AFTER {
            self.tracker.unproved();
        } else if silent >= PROBE_AFTER && !self.is_probed {
            self.is_probed = true;
            self.request(context);
        }
    }

    fn repeat_requests(&mut self, context: &mut FollowContext<'_>) {
        if let Some(pull) = &mut self.pull {
            if pull.retry_at <= context.now {
                pull.attempts = pull.attempts.saturating_add(1);
                let wait = backoff(FIRST_PAGE_RETRY, pull.attempts);
                pull.retry_at = context.now + context.jitter(wait);
                self.pull_pages(self.pull.as_ref().map(|pull| pull.missing()).unwrap_or_default(), context);
            }
        } else if self.retry.at().is_some_and(|at| at <= context.now) {
            self.request(context);
        }
    }
}
