use std::fs;
use std::path::Path;
use std::time::Duration;

use pubsub_api::wire::EventRef;
use pubsub_api::{Batch, Envelope, Event, PeerId, Source, Topic};
use tempfile::TempDir;

use crate::publisher::numbering::topic_index::Place;
use crate::publisher::ring::RingBound;
use crate::publisher::ring::open_ring::{Opened, RingOptions, RingStart, open};
use crate::publisher::sequencer::{Now, Sequencer};
use crate::publisher::sync::replay::Replay;

pub(super) const PUBLISHER: u64 = 0x1234;
pub(super) const MAX_TOPICS: usize = 100;

pub(super) fn options(state_dir: Option<&Path>, ring_bytes: u64, max_topics: usize) -> RingOptions<'_> {
    RingOptions { state_dir, publisher: PUBLISHER, bound: RingBound { ring_bytes }, max_topics }
}

/// One life of a publisher.
pub(super) struct Life {
    pub(super) sequencer: Sequencer,
    pub(super) start: RingStart,
}

impl Life {
    pub(super) fn begin(options: RingOptions<'_>, now_us: u64) -> Self {
        let Opened { ring, publisher_state, start } = open(options, now_us).unwrap();
        Self { sequencer: Sequencer::new(publisher_state, ring, Duration::ZERO, None), start }
    }

    pub(super) fn at(folder: &TempDir, now_us: u64) -> Self {
        Self::begin(options(Some(folder.path()), 1 << 20, MAX_TOPICS), now_us)
    }

    pub(super) fn publish(&mut self, mut batch: Batch) -> Batch {
        let mut out = Batch::new();
        while !batch.is_empty() {
            let now = Now { wall_us: 5, since_start: Duration::ZERO };
            assert_eq!(self.sequencer.number(&mut batch, now, &mut out).refused, []);
        }
        out
    }

    pub(super) fn publish_on(&mut self, topics: &[&str]) -> Batch {
        let mut batch = Batch::new();
        topics.iter().for_each(|topic| batch.push(event(topic, 3)));
        self.publish(batch)
    }

    pub(super) fn known(&self) -> Vec<Known> {
        let topics = &self.sequencer.publisher_state.topics;
        let mut known: Vec<Known> = topics
            .by_use()
            .map(|state| Known {
                topic: state.topic.to_string(),
                last: state.sequence.last(),
                oldest: state.oldest(),
                kept: self.kept(&state.index.since(state.sequence.last(), 0)),
            })
            .collect();
        known.sort_unstable_by(|one, other| one.topic.cmp(&other.topic));
        known
    }

    /// What the ring has, read from its files.
    pub(super) fn kept(&self, places: &[Place]) -> Vec<(u64, u64)> {
        let mut replay = Replay::new(places.to_vec(), self.sequencer.ring.segments());
        let mut batch = Batch::new();
        while !replay.is_over() {
            replay.read_some(&mut batch).unwrap();
        }
        stamps(&batch)
    }

    pub(super) fn last(&self, topic: &str) -> u64 {
        self.sequencer.publisher_state.topics.named(topic.as_bytes()).map_or(0, |state| state.sequence.last())
    }
}

/// What is known of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) topic: String,
    pub(super) last: u64,
    pub(super) oldest: u64,
    /// Epoch and number of each event in the ring.
    pub(super) kept: Vec<(u64, u64)>,
}

pub(super) fn stamps(batch: &Batch) -> Vec<(u64, u64)> {
    let stamp = |topic, payload| EventRef::read(topic, payload).unwrap().stamp.unwrap();
    let stamps = batch.iter().map(|event| stamp(event.topic, event.payload));
    stamps.map(|stamp| (stamp.epoch, stamp.sequence)).collect()
}

pub(super) fn event(topic: &str, size: usize) -> Envelope {
    let topic = Topic::new(topic.to_owned()).unwrap();
    Envelope::pack(&Event::new("t", "k", "set".into(), "v".repeat(size), topic)).unwrap()
}

/// Numbered events of one worker.
pub(super) fn of_worker(worker: u64, first: u64, count: u64, sent_before: u64, topic: &str) -> Batch {
    let mut batch = Batch::new();
    let source = batch.add_source(Source { peer: PeerId(1), worker, first, count, sent_before });
    for nth in 0..count {
        batch.push(event(topic, 3));
        batch.number_last(source, u32::try_from(nth).unwrap());
    }
    batch
}

/// A ring of three segments, one for each of three lives.
pub(super) fn three_segments(folder: &TempDir) -> Vec<(u32, Vec<u8>)> {
    for now in 1..=3 {
        let mut life = Life::at(folder, now * 1000);
        life.publish_on(&["a", "b", "a"]);
        life.publish(of_worker(7, now * 10, 2, 0, "c"));
    }
    let path = folder.path().join(format!("ring-{PUBLISHER:016x}"));
    (1..=3).map(|number| (number, fs::read(path.join(format!("segment-{number:08x}"))).unwrap())).collect()
}
