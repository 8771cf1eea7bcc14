use std::sync::atomic::Ordering;

use pubsub_api::{CounterReading, QueueReading, Status};

use super::core::Core;
use super::ring::open_ring::RingStart;
use super::sequencer::Sequencer;
use super::sync::sync_queue::MAX_WAITING;

/// The counters and queues of a publisher.
pub(super) fn read(core: &Core) -> Status {
    let mut counters = core.metrics.read();
    counters.extend(core.snapshots.unfit().read());
    counters.extend(core.snapshots.compaction.read());
    counters.extend(start(core));
    let mut queues = vec![snapshots(core, &mut counters), requests(core)];
    let sequencer = core.sequencer();
    counters.extend(of_sequencer(&sequencer));
    queues.extend(kept(&sequencer));
    Status { counters, queues, refusals: core.metrics.refusals(), ..Status::default() }
}

fn start(core: &Core) -> Vec<CounterReading> {
    let (start, refused) = match core.ring_start {
        RingStart::New => ("new", None),
        RingStart::Recovered => ("recovered", None),
        RingStart::Refused(cause) => ("refused", Some(cause)),
        RingStart::InMemory => ("in_memory", None),
    };
    let mut counters =
        vec![reading("epoch", None, core.publisher_epoch.epoch), reading("ring_start", Some(start), 1)];
    counters.extend(refused.map(|cause| reading("ring_refused", Some(cause), 1)));
    counters
}

fn of_sequencer(sequencer: &Sequencer) -> [CounterReading; 4] {
    let Sequencer { ring, publisher_state, .. } = sequencer;
    let place = if ring.is_persistent() { "file" } else { "memory" };
    [
        reading("ring_place_seconds", Some(place), ring.unchanged_for().as_secs()),
        reading("ring_persistent", None, u64::from(ring.is_persistent())),
        reading("ring_write_failures", None, ring.failures()),
        reading("topics_retired", None, publisher_state.topics.retired()),
    ]
}

fn snapshots(core: &Core, counters: &mut Vec<CounterReading>) -> QueueReading {
    let follower = core.snapshots.follower();
    let cache = &follower.cache;
    counters.push(reading("topics_with_snapshot", None, number(cache.topics())));
    let when_full = "the largest topic has no snapshots any more";
    QueueReading::new("snapshots", "bytes", (cache.bytes(), cache.bound()), when_full)
}

fn requests(core: &Core) -> QueueReading {
    let waiting = core.metrics.requests_waiting.load(Ordering::Relaxed);
    let when_full = "the subscriber receives `busy` and requests again later";
    QueueReading::new("sync_requests", "requests", (waiting, MAX_WAITING), when_full)
}

fn kept(sequencer: &Sequencer) -> [QueueReading; 3] {
    let Sequencer { ring, publisher_state, .. } = sequencer;
    let (topics, workers) = (&publisher_state.topics, &publisher_state.workers);
    let ring_full =
        "the oldest eighth is removed; a subscriber that misses it receives a snapshot or a resync";
    let topics_full = "the topic that was idle longest is retired";
    let workers_full = "the worker that was silent longest is forgotten";
    [
        QueueReading::new("ring", "bytes", (ring.bytes(), ring.bound()), ring_full),
        QueueReading::new("topics", "topics", (topics.len(), topics.bound()), topics_full),
        QueueReading::new("workers", "workers", (workers.len(), workers.bound()), workers_full),
    ]
}

fn reading(name: &str, cause: Option<&str>, value: u64) -> CounterReading {
    CounterReading { name: name.to_owned(), cause: cause.map(str::to_owned), value }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
