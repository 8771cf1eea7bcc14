use std::collections::HashSet;
use std::time::Duration;

use pubsub_api::{Envelope, Topic};

use super::timing::{FIRST_TIMEOUT, LONGEST_TIMEOUT};
use crate::{MAX_WANTS, Position, SyncRequest, Want};

/// What one publisher was asked for: one request at a time.
#[derive(Debug, Default)]
pub(super) struct Asking {
    request: Option<Outstanding>,
    not_before: Duration,
    last_id: u64,
    /// Requests in a row that were not answered.
    failures: u32,
}

#[derive(Debug)]
struct Outstanding {
    id: u64,
    waiting: HashSet<Topic>,
    deadline: Duration,
}

impl Asking {
    pub(super) fn not_before(&mut self, at: Duration) {
        self.not_before = at;
    }

    /// The request will not be answered, for the link is gone.
    pub(super) fn forget(&mut self) {
        self.request = None;
        self.failures = 0;
    }

    /// The request was not answered: the next one follows later, by so much more as there were failures.
    pub(super) fn failed(&mut self, now: Duration, wait: Duration) {
        if self.request.take().is_some() {
            self.failures = self.failures.saturating_add(1);
        }
        self.not_before = now + wait;
    }

    pub(super) fn is_overdue(&self, now: Duration) -> bool {
        self.request.as_ref().is_some_and(|request| request.deadline <= now)
    }

    /// Whether this is what was asked for.
    pub(super) fn is_answer(&mut self, id: u64, topic: &Topic, now: Duration) -> bool {
        self.moves(now);
        self.request.as_ref().is_some_and(|request| request.id == id && request.waiting.contains(topic))
    }

    /// Something of the answer came.
    pub(super) fn moves(&mut self, now: Duration) {
        let timeout = self.timeout();
        if let Some(request) = &mut self.request {
            request.deadline = now + timeout;
        }
    }

    /// The answer about one topic is over.
    pub(super) fn answered(&mut self, topic: &Topic) {
        let Some(request) = &mut self.request else { return };
        request.waiting.remove(topic);
        self.failures = 0;
        if request.waiting.is_empty() {
            self.request = None;
        }
    }

    /// The next request about what is due, if there is no other.
    pub(super) fn ask<'a>(
        &mut self,
        now: Duration,
        due: impl Iterator<Item = (&'a Topic, Position)>,
    ) -> Option<Envelope> {
        if self.request.is_some() || now < self.not_before {
            return None;
        }
        let want = |(topic, position): (&Topic, Position)| Want { topic: topic.clone(), position };
        let wants: Vec<Want> = due.take(MAX_WANTS).map(want).collect();
        if wants.is_empty() {
            return None;
        }
        self.last_id += 1;
        let waiting = wants.iter().map(|want| want.topic.clone()).collect();
        self.request = Some(Outstanding { id: self.last_id, waiting, deadline: now + self.timeout() });
        SyncRequest { id: self.last_id, wants }.pack().ok()
    }

    fn timeout(&self) -> Duration {
        FIRST_TIMEOUT.saturating_mul(1 << self.failures.min(5)).min(LONGEST_TIMEOUT)
    }
}
