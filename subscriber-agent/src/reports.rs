use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{HandlerFailure, HandlerGap};

/// What handlers have to say to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// One did not manage an event.
    Failed(HandlerFailure),
    /// One has missed events.
    Gap(HandlerGap),
    /// One wants all rows of a table again.
    Resync(ResyncWanted),
    /// The agent is to end, for this reason.
    Stop(String),
}

/// A handler that wants all rows of a table again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResyncWanted {
    /// Which handler, counted from 0 in the order in which they were added.
    pub handler: usize,
    /// Which table.
    pub table: String,
    /// Why, in words.
    pub reason: String,
}

/// The reading end of what handlers report. Failures are bounded in number; what must not be lost is not: it is one entry
/// per handler, or per handler and table.
#[derive(Debug)]
pub struct Reports(Arc<Reporter>);

/// The writing end. It never waits: who reads may itself be waiting for room in a handler's queue.
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

/// How many failures wait to be read; beyond, they are counted and logged only.
const FAILURES: usize = 1000;

impl Reports {
    pub(crate) fn of(reporter: &Arc<Reporter>) -> Self {
        Self(Arc::clone(reporter))
    }

    /// The next report; waits for it.
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
            return Some(Report::Resync(ResyncWanted { handler, table, reason }));
        }
        unread.stop.take().map(Report::Stop)
    }
}

impl Reporter {
    fn unread(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False if so many wait that this one is not told.
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
        let untold = unread.gaps.remove(&handler).map_or(0, |untold| untold.events);
        unread.gaps.insert(handler, HandlerGap { events: gap.events + untold, ..gap });
        self.changed.notify_one();
    }

    pub(crate) fn resync(&self, wanted: ResyncWanted) {
        let ResyncWanted { handler, table, reason } = wanted;
        self.unread().resyncs.entry((handler, table)).or_insert(reason);
        self.changed.notify_one();
    }

    pub(crate) fn stop(&self, reason: String) {
        self.unread().stop.get_or_insert(reason);
        self.changed.notify_one();
    }
}
