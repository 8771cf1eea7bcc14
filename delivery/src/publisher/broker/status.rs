use std::sync::atomic::Ordering;

use pubsub_api::{CounterReading, QueueReading, Status};

use super::outbox::{MAX_BYTES, MAX_EVENTS};
use super::session::Session;

/// The counters and queues of a session.
pub(super) fn read(session: &Session) -> Status {
    let metrics = &session.metrics;
    let counted = [
        &metrics.published,
        &metrics.in_doubt,
        &metrics.lost_unsent,
        &metrics.marks,
        &metrics.marks_unsent,
        &metrics.byes,
    ];
    let mut counters: Vec<CounterReading> = counted.iter().map(|counter| counter.read()).collect();
    counters.extend(metrics.refused.read());
    counters.push(reading("epoch", session.publisher_epoch.epoch));
    counters.push(reading("topics_retired", metrics.retired.load(Ordering::Relaxed)));
    let when_full = "send waits for send_timeout, then fails as overloaded";
    let (events, bytes) = session.outbox.depth();
    let topics = metrics.topics.load(Ordering::Relaxed);
    let queues = vec![
        QueueReading::new("outbox", "events", (events, MAX_EVENTS), when_full),
        QueueReading::new("outbox_bytes", "bytes", (bytes, MAX_BYTES), when_full),
        QueueReading::new(
            "topics",
            "topics",
            (topics, session.max_topics),
            "the topic that was idle longest is retired",
        ),
    ];
    Status { counters, queues, ..Status::default() }
}

fn reading(name: &str, value: u64) -> CounterReading {
    CounterReading { name: name.to_owned(), cause: None, value }
}
