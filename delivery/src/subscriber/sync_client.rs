use std::collections::HashSet;
use std::time::Duration;

use pubsub_api::{Envelope, Topic};

use super::timing::{FIRST_TIMEOUT, LONGEST_TIMEOUT, STALLED};
use crate::token_bucket::TokenBucket;
use crate::{MAX_SYNC_ITEMS, Position, SyncItem, SyncRequest};

/// Sends requests to one publisher: one at a time, each with a deadline.
///
/// Progress moves the deadline: any part of a reply proves that the publisher is working. So a reply that keeps arriving is
/// never given up, however long it takes; a request without any reply is.
#[derive(Debug, Default)]
pub(super) struct SyncClient {
    request: Option<Outstanding>,
    bucket: TokenBucket,
    not_before: Duration,
    last_id: u64,
    /// Consecutive requests without any reply.
    failures: u32,
    /// When the last part of a reply arrived.
    heard: Duration,
}

#[derive(Debug)]
struct Outstanding {
    id: u64,
    waiting: HashSet<Topic>,
    deadline: Duration,
}

impl SyncClient {
    /// Sends no request before that time, nor before an earlier limit.
    pub(super) fn not_before(&mut self, at: Duration) {
        self.not_before = self.not_before.max(at);
    }

    /// The link has changed: outstanding requests will not be answered, and nothing is known of the publisher's state.
    pub(super) fn forget(&mut self, now: Duration) {
        *self = Self { last_id: self.last_id, bucket: TokenBucket::new(now), heard: now, ..Self::default() };
    }

    /// The request has failed: the next one follows after `wait`. Returns the topics without a reply.
    pub(super) fn failed(&mut self, now: Duration, wait: Duration) -> HashSet<Topic> {
        self.not_before(now + wait);
        let Some(request) = self.request.take() else { return HashSet::new() };
        self.failures = self.failures.saturating_add(1);
        request.waiting
    }

    /// Consecutive requests without any reply.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// When the last part of a reply arrived, or the link was made.
    pub(super) fn heard(&self) -> Duration {
        self.heard
    }

    pub(super) fn is_overdue(&self, now: Duration) -> bool {
        self.request.as_ref().is_some_and(|request| request.deadline <= now)
    }

    /// The time of the next action: the deadline of the request, or the earliest time of the next one.
    pub(super) fn next_at(&self, wanted_at: Option<Duration>) -> Option<Duration> {
        match &self.request {
            Some(request) => Some(request.deadline),
            None => wanted_at.map(|at| at.max(self.not_before)),
        }
    }

    /// Whether this belongs to the current request.
    pub(super) fn is_reply(&mut self, id: u64, topic: &Topic, now: Duration) -> bool {
        self.moves(now);
        self.request.as_ref().is_some_and(|request| request.id == id && request.waiting.contains(topic))
    }

    /// Some part of a reply has arrived.
    pub(super) fn moves(&mut self, now: Duration) {
        self.heard = now;
        self.failures = 0;
        if let Some(request) = &mut self.request {
            request.deadline = request.deadline.max(now + STALLED);
        }
    }

    /// The reply about one topic is complete.
    pub(super) fn answered(&mut self, topic: &Topic) {
        let Some(request) = &mut self.request else { return };
        request.waiting.remove(topic);
        if request.waiting.is_empty() {
            self.request = None;
        }
    }

    /// Whether a request may be sent now.
    pub(super) fn is_free(&self, now: Duration) -> bool {
        self.request.is_none() && now >= self.not_before
    }

    /// The next request for the due topics, if it may be sent.
    pub(super) fn ask<'a>(
        &mut self,
        now: Duration,
        due: impl Iterator<Item = (&'a Topic, Position)>,
    ) -> Option<Envelope> {
        let item = |(topic, position): (&Topic, Position)| SyncItem { topic: topic.clone(), position };
        let mut items = due.map(item).take(MAX_SYNC_ITEMS).peekable();
        if !self.is_free(now) || items.peek().is_none() {
            return None;
        }
        if let Err(wait) = self.bucket.take(now) {
            self.not_before(now + wait);
            return None;
        }
        let items: Vec<SyncItem> = items.collect();
        self.last_id += 1;
        let waiting = items.iter().map(|item| item.topic.clone()).collect();
        self.request = Some(Outstanding { id: self.last_id, waiting, deadline: now + self.timeout() });
        SyncRequest { id: self.last_id, items }.pack().ok()
    }

    fn timeout(&self) -> Duration {
        FIRST_TIMEOUT.saturating_mul(1 << self.failures.min(5)).min(LONGEST_TIMEOUT)
    }
}
