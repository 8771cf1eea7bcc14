use std::time::Instant;

use pubsub_api::wire::WireError;
use pubsub_api::{CauseCounter, Counter, CounterReading, Envelope};

use super::replies::Replies;
use crate::subscriber::sub::counters::LinkCounters;

/// What all request links of one subscriber share.
#[derive(Debug)]
pub(crate) struct RequesterState {
    pub(crate) replies: Replies,
    pub(crate) counters: LinkCounters,
    pub(crate) sent: Counter,
    /// Connections that ended while replies were or may have been outstanding.
    pub(crate) lost: Counter,
    refused: CauseCounter,
}

/// The largest payload of a request: more than any publisher of ours accepts.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

impl Default for RequesterState {
    fn default() -> Self {
        Self {
            replies: Replies::default(),
            counters: LinkCounters::of_replies(),
            sent: Counter::new("requests_sent"),
            lost: Counter::new("requests_lost"),
            refused: CauseCounter::new("requests_dropped"),
        }
    }
}

impl RequesterState {
    /// Whether a publisher accepts this request; counted if not.
    pub(crate) fn takes(&self, request: &Envelope) -> bool {
        let wrong = if !request.topic.is_reserved() {
            Some("not_reserved")
        } else if request.topic.as_bytes().len() + request.payload.len() > MAX_REQUEST_BYTES {
            Some(WireError::TooBig.cause())
        } else {
            None
        };
        wrong.is_none_or(|cause| {
            self.refuse(cause);
            false
        })
    }

    /// Counts a request that is not sent.
    pub(crate) fn refuse(&self, cause: &'static str) {
        if let Some(times) = self.refused.count(cause, Instant::now()) {
            tracing::warn!(id = "SK0405", cause, times, "dropped a request: {}", cause.replace('_', " "));
        }
    }

    /// What was counted.
    pub(crate) fn read(&self) -> Vec<CounterReading> {
        let mut all = vec![self.sent.read(), self.lost.read(), self.counters.received.read()];
        all.extend(self.refused.read());
        all.extend(self.counters.dropped.read());
        all
    }
}
