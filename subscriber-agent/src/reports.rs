use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{HandlerFailure, HandlerGap};

/// A report of a handler to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A handler failed on an event.
    Failed(HandlerFailure),
    /// Events for a handler were dropped.
    Gap(HandlerGap),
    /// A handler needs all rows of a table again.
    Resync(ResyncRequest),
    /// The agent must stop, for this reason.
    Stop(String),
}

/// A request to send all rows of a table to a handler again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResyncRequest {
    /// The handler, counted from 0 in the order in which handlers were added.
    pub handler: usize,
    /// The table.
    pub table: String,
    /// The reason, for people.
    pub reason: String,
}

/// The reading end of the handlers' reports. At most 1,000 failures are queued. Gaps and resync requests are never dropped;
/// they are merged into one entry per handler, or per handler and table.
#[derive(Debug)]
pub struct Reports(Arc<Reporter>);

/// The writing end. It never waits, because the reader may itself wait for room in a handler's queue.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    unread: Mutex<Unread>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Unread {
    failures: VecDeque<HandlerFailure>,
    gaps: BTreeMap<usize, HandlerGap>,
    resyncs: BTreeMap<(usize, String), String>,
    stop: Option<String>,
}

/// The number of failures that are queued; further ones are only counted and logged.
const FAILURES: usize = 1000;

impl Reports {
    pub(crate) fn of(reporter: &Arc<Reporter>) -> Self {
        Self(Arc::clone(reporter))
    }

    /// Waits for the next report.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost.
    pub async fn next(&self) -> Report {
        loop {
            if let Some(report) = self.try_next() {
                return report;
            }
            self.changed().await;
        }
    }

    /// Waits until there may be a report.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// The next report, if there is one.
    ///
    /// Failures are returned before gaps, gaps before requests, and the reason to stop last.
    #[must_use]
    pub fn try_next(&self) -> Option<Report> {
        let mut unread = self.0.unread();
        if let Some(failure) = unread.failures.pop_front() {
            return Some(Report::Failed(failure));
        }
        if let Some((_, gap)) = unread.gaps.pop_first() {
            return Some(Report::Gap(gap));
        }
        if let Some(((handler, table), reason)) = unread.resyncs.pop_first() {
            return Some(Report::Resync(ResyncRequest { handler, table, reason }));
        }
        unread.stop.take().map(Report::Stop)
    }
}

impl Reporter {
    fn unread(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `false` if the queue of failures is full and this one is dropped.
    pub(crate) fn failed(&self, failure: HandlerFailure) -> bool {
        let mut unread = self.unread();
        let has_room = unread.failures.len() < FAILURES;
        if has_room {
            unread.failures.push_back(failure);
            self.changed.notify_one();
        }
        has_room
    }

    pub(crate) fn gap(&self, handler: usize, gap: HandlerGap) {
        let mut unread = self.unread();
        let earlier = unread.gaps.remove(&handler).map_or(0, |earlier| earlier.events);
        unread.gaps.insert(handler, HandlerGap { events: gap.events + earlier, ..gap });
        self.changed.notify_one();
    }

    pub(crate) fn resync(&self, request: ResyncRequest) {
        let ResyncRequest { handler, table, reason } = request;
        self.unread().resyncs.entry((handler, table)).or_insert(reason);
        self.changed.notify_one();
    }

    pub(crate) fn stop(&self, reason: String) {
        self.unread().stop.get_or_insert(reason);
        self.changed.notify_one();
    }
}
