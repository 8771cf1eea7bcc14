use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use pubsub_api::{CounterReading, QueueReading};

use super::sequencer::Sequencer;

/// The fill of what the sequencer keeps, after the last batch: for readers that must not hold its lock.
#[derive(Debug, Default)]
pub(super) struct SequencerGauges {
    ring_bytes: AtomicU64,
    ring_bound: AtomicU64,
    ring_failures: AtomicU64,
    topics: AtomicUsize,
    topics_bound: AtomicUsize,
    topics_retired: AtomicU64,
    workers: AtomicUsize,
    workers_bound: AtomicUsize,
}

impl SequencerGauges {
    /// Notes the fill. The caller has the lock of the sequencer.
    pub(super) fn note(&self, sequencer: &Sequencer) {
        let Sequencer { ring, publisher_state, .. } = sequencer;
        let (topics, workers) = (&publisher_state.topics, &publisher_state.workers);
        for (gauge, value) in [
            (&self.ring_bytes, ring.bytes()),
            (&self.ring_bound, ring.bound()),
            (&self.ring_failures, ring.failures()),
            (&self.topics_retired, topics.retired()),
        ] {
            gauge.store(value, Ordering::Relaxed);
        }
        for (gauge, value) in [
            (&self.topics, topics.len()),
            (&self.topics_bound, topics.bound()),
            (&self.workers, workers.len()),
            (&self.workers_bound, workers.bound()),
        ] {
            gauge.store(value, Ordering::Relaxed);
        }
    }

    pub(super) fn counters(&self) -> [CounterReading; 2] {
        [("ring_write_failures", &self.ring_failures), ("topics_retired", &self.topics_retired)].map(
            |(name, value)| CounterReading {
                name: name.to_owned(),
                cause: None,
                value: value.load(Ordering::Relaxed),
            },
        )
    }

    pub(super) fn queues(&self) -> [QueueReading; 3] {
        let bytes = (self.ring_bytes.load(Ordering::Relaxed), self.ring_bound.load(Ordering::Relaxed));
        let of = |depth: &AtomicUsize, bound: &AtomicUsize| {
            (depth.load(Ordering::Relaxed), bound.load(Ordering::Relaxed))
        };
        [
            QueueReading::new("ring", "bytes", bytes, RING_FULL),
            QueueReading::new("topics", "topics", of(&self.topics, &self.topics_bound), TOPICS_FULL),
            QueueReading::new("workers", "workers", of(&self.workers, &self.workers_bound), WORKERS_FULL),
        ]
    }
}

/// What happens when the ring is full.
pub(super) const RING_FULL: &str =
    "the oldest eighth is removed; a subscriber that misses it receives a snapshot or a resync";

/// What happens when there are as many topics as there may be.
pub(super) const TOPICS_FULL: &str = "the topic that was idle longest is retired";

/// What happens when there are as many workers as there may be.
pub(super) const WORKERS_FULL: &str = "the worker that was silent longest is forgotten";
