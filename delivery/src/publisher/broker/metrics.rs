use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Instant;

use pubsub_api::{CauseCounter, Counter, Error};

/// The counters of a publisher on a broker; named as a stamped publisher's where they mean the same.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) published: Counter,
    /// Events without a reply of the broker: a loss record follows each.
    pub(super) in_doubt: Counter,
    pub(super) refused: CauseCounter,
    /// Loss records that were refused or are in doubt themselves: the sequences show the loss.
    pub(super) lost_unsent: Counter,
    pub(super) marks: Counter,
    pub(super) marks_unsent: Counter,
    pub(super) byes: Counter,
    pub(super) retired: AtomicU64,
    pub(super) topics: AtomicUsize,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            published: Counter::new("events_published"),
            in_doubt: Counter::with_cause("lost_records", "in_doubt"),
            refused: CauseCounter::new("events_refused"),
            lost_unsent: Counter::new("lost_records_unsent"),
            marks: Counter::new("marks"),
            marks_unsent: Counter::new("marks_unsent"),
            byes: Counter::new("byes"),
            retired: AtomicU64::new(0),
            topics: AtomicUsize::new(0),
        }
    }
}

impl Metrics {
    /// Counts an event that was not accepted, and logs it at a limited rate.
    pub(super) fn refuse(&self, topic: &[u8], cause: &'static str, error: &Error) {
        if let Some(times) = self.refused.count(cause, Instant::now()) {
            let topic = String::from_utf8_lossy(topic);
            tracing::warn!(id = "SK0203", cause, %topic, times, "refused an event on topic {topic:?}: {error}");
        }
    }
}
