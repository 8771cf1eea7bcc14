use std::collections::BTreeMap;
use std::time::Duration;

use super::limits::{LOG_PAUSE, MAX_BUDGETS, REQUEST_BURST_BYTES, REQUEST_BYTES_PER_SECOND};
use crate::Instance;

/// How much each peer may request: a token bucket of bytes for each. Requests beyond it are dropped, and the peer repeats
/// them.
///
/// An answer is charged after it was made, so that a bucket can be overdrawn by one answer.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct RequestBudgets {
    by_peer: BTreeMap<Instance, Budget>,
    refused: u64,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Hash))]
struct Budget {
    /// The bytes that are owed, at `at`: 0 for a full bucket.
    spent: u64,
    at: Duration,
    /// The requests that were refused since the last report, and the time of that.
    unreported: u64,
    reported: Option<Duration>,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may be answered.
    Admitted,
    /// It is dropped.
    Refused,
    /// It is dropped. Log the number of requests of the peer that were dropped since the last report.
    Reported(u64),
}

impl RequestBudgets {
    /// Decides about a request.
    pub(super) fn admit(&mut self, now: Duration, peer: Instance) -> Admission {
        let Some(budget) = self.budget(now, peer) else {
            self.refused += 1;
            return Admission::Refused;
        };
        if budget.spent < REQUEST_BURST_BYTES {
            return Admission::Admitted;
        }
        budget.unreported += 1;
        let is_due = budget.reported.is_none_or(|reported| now >= reported + LOG_PAUSE);
        let admission = if is_due { Admission::Reported(budget.unreported) } else { Admission::Refused };
        if is_due {
            (budget.unreported, budget.reported) = (0, Some(now));
        }
        self.refused += 1;
        admission
    }

    /// Charges an answer.
    pub(super) fn charge(&mut self, now: Duration, peer: Instance, bytes: usize) {
        if let Some(budget) = self.budget(now, peer) {
            budget.spent += bytes as u64;
        }
    }

    /// Returns the number of requests that were dropped.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// The budget of a peer at this time; `None` if too many others have spent of theirs.
    fn budget(&mut self, now: Duration, peer: Instance) -> Option<&mut Budget> {
        if !self.by_peer.contains_key(&peer) && self.by_peer.len() >= MAX_BUDGETS {
            self.by_peer.retain(|_, budget| budget.is_in_use(now));
            if self.by_peer.len() >= MAX_BUDGETS {
                return None;
            }
        }
        let new = || Budget { spent: 0, at: now, unreported: 0, reported: None };
        let budget = self.by_peer.entry(peer).or_insert_with(new);
        budget.refill(now);
        Some(budget)
    }
}

impl Budget {
    fn refill(&mut self, now: Duration) {
        let milliseconds = u64::try_from(now.saturating_sub(self.at).as_millis()).unwrap_or(u64::MAX);
        self.spent = self.spent.saturating_sub(milliseconds.saturating_mul(REQUEST_BYTES_PER_SECOND / 1000));
        self.at += Duration::from_millis(milliseconds);
    }

    /// Whether a new one would differ.
    fn is_in_use(&mut self, now: Duration) -> bool {
        self.refill(now);
        self.spent > 0 || self.reported.is_some_and(|reported| now < reported + LOG_PAUSE)
    }
}
