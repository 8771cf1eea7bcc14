use std::sync::atomic::Ordering;

use pubsub_api::{CounterReading, QueueReading, Status};

use super::applied::{AgentReading, ReportedAgents, agents_as_reported};
use super::core::Core;
use super::ring::open_ring::RingStart;
use super::sequencer::Sequencer;
use super::sequencer_gauges::{RING_FULL, TOPICS_FULL, WORKERS_FULL};
use super::sync::sync_queue::MAX_WAITING;

/// The counters and queues of a publisher.
pub(super) fn read(core: &Core) -> Status {
    let mut counters = core.metrics.read();
    counters.extend(core.snapshots.unfit().read());
    counters.extend(core.snapshots.compaction.read());
    counters.extend(start(core));
    counters.extend(lags(core));
    let mut queues = vec![snapshots(core, &mut counters), requests(core), agents(core)];
    let sequencer = core.sequencer();
    counters.extend(of_sequencer(&sequencer));
    queues.extend(kept(&sequencer));
    let (refusals, named, latencies) =
        (core.metrics.refusals(), vec![core.by_topic.read()], vec![core.metrics.fanout_latency.read()]);
    Status { counters, queues, refusals, named, latencies, ..Status::default() }
}

/// The same without the locks that `publish` needs, and without the queue of the snapshots.
pub(super) fn read_unlocked(core: &Core) -> Status {
    let mut counters = core.metrics.read();
    counters.extend(core.snapshots.unfit().read());
    counters.extend(core.snapshots.compaction.read());
    counters.extend(core.gauges.counters());
    counters.extend(start(core));
    counters.extend(lags(core));
    let mut queues = vec![requests(core), agents(core)];
    queues.extend(core.gauges.queues());
    let (named, latencies) = (vec![core.by_topic.read()], vec![core.metrics.fanout_latency.read()]);
    Status { counters, queues, named, latencies, ..Status::default() }
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

/// How far agents are behind, as their reports show it.
fn lags(core: &Core) -> [CounterReading; 5] {
    let agents = agents_as_reported(core);
    let count = |is: fn(&AgentReading) -> bool| number(agents.iter().filter(|agent| is(agent)).count());
    let longest = |of: fn(&AgentReading) -> u64| agents.iter().map(of).max().unwrap_or_default();
    [
        reading("agents", Some("current"), count(|agent| agent.is_reporting() && agent.lag_events == 0)),
        reading("agents", Some("behind"), count(|agent| agent.is_reporting() && agent.lag_events > 0)),
        reading("agents", Some("silent"), count(|agent| !agent.is_reporting())),
        reading("agent_lag_events", None, longest(|agent| agent.lag_events)),
        reading("agent_lag_seconds", None, longest(AgentReading::behind_seconds)),
    ]
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

fn agents(core: &Core) -> QueueReading {
    let when_full = "reports of further agents are dropped and counted, unless one is silent";
    QueueReading::new("reporting_agents", "agents", (core.agents().len(), ReportedAgents::bound()), when_full)
}

fn kept(sequencer: &Sequencer) -> [QueueReading; 3] {
    let Sequencer { ring, publisher_state, .. } = sequencer;
    let (topics, workers) = (&publisher_state.topics, &publisher_state.workers);
    [
        QueueReading::new("ring", "bytes", (ring.bytes(), ring.bound()), RING_FULL),
        QueueReading::new("topics", "topics", (topics.len(), topics.bound()), TOPICS_FULL),
        QueueReading::new("workers", "workers", (workers.len(), workers.bound()), WORKERS_FULL),
    ]
}

fn reading(name: &str, cause: Option<&str>, value: u64) -> CounterReading {
    CounterReading { name: name.to_owned(), cause: cause.map(str::to_owned), value }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use bytes::Bytes;
    use pubsub_api::{Publisher, Result, Status, Topic};

    use super::{Core, read_unlocked};
    use crate::PublisherOptions;
    use crate::publisher::applied;

    #[derive(Debug)]
    struct Silent;

    #[async_trait]
    impl Publisher for Silent {
        async fn send(&self, _: &Topic, _: Bytes) -> Result<()> {
            Ok(())
        }

        async fn flush(&self) -> Result<()> {
            Ok(())
        }

        async fn close(&self) -> Result<()> {
            Ok(())
        }

        fn endpoint(&self) -> Option<String> {
            None
        }

        fn status(&self) -> Status {
            Status::default()
        }
    }

    #[test]
    fn metrics_are_read_while_a_batch_is_numbered_and_a_snapshot_is_made() {
        let options =
            PublisherOptions { state_dir: None, ring_bytes: 1 << 20, snapshot_bytes: 1 << 20, max_topics: 9 };
        let core = Core::open(Arc::new(Silent), "id", &options, None, None).unwrap();
        // With these held, a reading that needs one of them would never end.
        let (follower, sequencer) = (core.snapshots.follower(), core.sequencer());
        let metrics = read_unlocked(&core);
        let bounds: Vec<_> = metrics.queues.iter().map(|queue| (queue.name.as_str(), queue.bound)).collect();
        assert!(bounds.contains(&("ring", 1 << 20)) && bounds.contains(&("topics", 9)), "{bounds:?}");
        assert!(applied::agents_as_reported(&core).is_empty());
        drop((follower, sequencer));
    }
}
