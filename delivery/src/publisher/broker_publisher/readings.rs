use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use pubsub_api::{Counter, CounterReading, Error, QueueReading, Status, Tally};

use super::life::Life;
use super::outbox::{MAX_BYTES, MAX_EVENTS};

/// What a publisher on a broker counts; names as a stamped publisher's where they mean the same.
#[derive(Debug)]
pub(super) struct Readings {
    pub(super) published: Counter,
    /// Events whose answer did not come: a record of the loss stands in their place.
    pub(super) in_doubt: Counter,
    pub(super) refused: Tally,
    /// Records of losses that were refused, or are in doubt themselves: the numbers tell.
    pub(super) lost_unsent: Counter,
    pub(super) marks: Counter,
    pub(super) marks_unsent: Counter,
    pub(super) byes: Counter,
    pub(super) retired: AtomicU64,
    pub(super) topics: AtomicUsize,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            published: Counter::new("events_published"),
            in_doubt: Counter::with_cause("lost_records", "in_doubt"),
            refused: Tally::new("events_refused"),
            lost_unsent: Counter::new("lost_records_unsent"),
            marks: Counter::new("marks"),
            marks_unsent: Counter::new("marks_unsent"),
            byes: Counter::new("byes"),
            retired: AtomicU64::new(0),
            topics: AtomicUsize::new(0),
        }
    }
}

impl Readings {
    /// Counts an event that was not accepted, and tells it at a limited rate.
    pub(super) fn refuse(&self, topic: &[u8], cause: &'static str, error: &Error) {
        if let Some(times) = self.refused.count(cause, Instant::now()) {
            let topic = String::from_utf8_lossy(topic);
            tracing::warn!(cause, %topic, times, "refused an event on topic {topic:?}: {error}");
        }
    }
}

/// What can be read of a life.
pub(super) fn read(life: &Life) -> Status {
    let readings = &life.readings;
    let counted = [
        &readings.published,
        &readings.in_doubt,
        &readings.lost_unsent,
        &readings.marks,
        &readings.marks_unsent,
        &readings.byes,
    ];
    let mut counters: Vec<CounterReading> = counted.iter().map(|counter| counter.read()).collect();
    counters.extend(readings.refused.read());
    counters.push(reading("epoch", life.incarnation.epoch));
    counters.push(reading("topics_retired", readings.retired.load(Ordering::Relaxed)));
    let when_full = "send waits for send_timeout, then fails as overloaded";
    let (events, bytes) = life.outbox.depth();
    let topics = readings.topics.load(Ordering::Relaxed);
    let queues = vec![
        queue("outbox", (events, MAX_EVENTS), "events", when_full),
        queue("outbox_bytes", (bytes, MAX_BYTES), "bytes", when_full),
        queue("topics", (topics, life.max_topics), "topics", "the one that was idle longest is retired"),
    ];
    Status { counters, queues, ..Status::default() }
}

fn reading(name: &str, value: u64) -> CounterReading {
    CounterReading { name: name.to_owned(), cause: None, value }
}

fn queue(name: &str, (depth, bound): (usize, usize), unit: &str, when_full: &str) -> QueueReading {
    let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
    QueueReading {
        name: name.to_owned(),
        depth: number(depth),
        bound: number(bound),
        unit: unit.to_owned(),
        when_full: when_full.to_owned(),
    }
}
