//! A publisher whose snapshots are read and compacted step by step.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pubsub_api::wire::EventRef;
use pubsub_api::{Batch, Envelope, Event, Topic, Value};

use crate::publisher::ring::RingBound;
use crate::publisher::ring::open_ring::{Opened, RingOptions, open};
use crate::publisher::sequencer::{Now, Sequencer};
use crate::publisher::shared_sequencer::SharedSequencer;
use crate::publisher::sync::ahead::Ahead;
use crate::publisher::sync::compaction::compaction_metrics::RowsStart;
use crate::publisher::sync::snapshots::{self, Snapshots};

pub(super) const PUBLISHER: u64 = 0x77;

/// An eighth of it holds some ten events.
pub(super) const RING_BYTES: u64 = 32 * 1024;

const NOW: Now = Now { wall_us: 5, since_start: Duration::ZERO };

/// One start of the publisher. Dropping it is a kill: everything that it wrote is in its files.
pub(super) struct Scene {
    pub(super) sequencer: SharedSequencer,
    pub(super) snapshots: Snapshots,
}

/// Key, and action and value of the latest event.
pub(super) type RowsByKey = BTreeMap<String, (String, String)>;

impl Scene {
    pub(super) fn start(folder: &Path, epoch: u64) -> Self {
        Self::start_with(folder, epoch, 1 << 20, 100)
    }

    pub(super) fn start_with(folder: &Path, epoch: u64, snapshot_bytes: u64, max_topics: usize) -> Self {
        let bound = RingBound { ring_bytes: RING_BYTES };
        let options = RingOptions { state_dir: Some(folder), publisher: PUBLISHER, bound, max_topics };
        let Opened { ring, publisher_state, .. } = open(options, epoch).unwrap();
        let snapshots = Snapshots::open(&ring, &publisher_state, snapshot_bytes);
        snapshots.begin();
        let sequencer = Sequencer::new(publisher_state, ring, Duration::ZERO, None);
        Self { sequencer: SharedSequencer::new(sequencer), snapshots }
    }

    /// Publishes the events in one batch; returns the sequences.
    pub(super) fn publish(&self, events: &[Event]) -> Vec<u64> {
        let (mut batch, mut out) = (Batch::new(), Batch::new());
        events.iter().for_each(|event| batch.push(Envelope::pack(event).unwrap()));
        while !batch.is_empty() {
            assert_eq!(self.sequencer.lock().number(&mut batch, NOW, &mut out).refused, []);
        }
        let stamp = |topic, payload| EventRef::read(topic, payload).unwrap().stamp.unwrap();
        let own = out.iter().filter(|event| event.topic.first() != Some(&b'$'));
        own.map(|event| stamp(event.topic, event.payload).sequence).collect()
    }

    /// Replaces the last event of a topic by a loss record.
    pub(super) fn lose_last(&self, topic: &str) {
        let event = set(topic, "k", "v");
        let mut batch = Batch::new();
        batch.push(Envelope::pack(&event).unwrap());
        let mut out = Batch::new();
        self.sequencer.lock().number(&mut batch, NOW, &mut out);
        let sent = std::iter::from_fn(|| {
            let envelope = out.first_envelope()?.unwrap();
            out.advance(1);
            Some(envelope)
        });
        let event = sent.filter(|envelope| !envelope.topic.is_reserved()).last().unwrap();
        self.sequencer.lock().lose(&event, "a_test", NOW).unwrap();
    }

    /// One round of the thread that reads the ring.
    pub(super) fn round(&self) -> Ahead {
        self.snapshots.step(&self.sequencer).max(self.snapshots.compact(&self.sequencer))
    }

    /// That number of rounds.
    pub(super) fn rounds(&self, count: usize) {
        for _ in 0..count {
            self.round();
        }
    }

    /// Reads and compacts while `publish` would wait.
    pub(super) fn keep_up(&self) {
        let is_behind = || snapshots::is_behind(self.snapshots.reached(), &self.sequencer.lock().ring);
        while is_behind() && self.round() != Ahead::Nothing {}
    }

    /// Reads and compacts until nothing is left to do.
    pub(super) fn work(&self) {
        while self.round() != Ahead::Nothing {}
    }

    /// Publishes one event at a time; reads and compacts after each.
    pub(super) fn publish_slowly(&self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.publish(&[event]);
            self.work();
        }
    }

    /// The last sequence and the rows of a topic's snapshot, without those that are deleted.
    pub(super) fn rows(&self, topic: &str) -> Option<(u64, RowsByKey)> {
        let (number, mut rows) = self.all_rows(topic)?;
        rows.retain(|_, (action, _)| action != "delete");
        Some((number, rows))
    }

    pub(super) fn all_rows(&self, topic: &str) -> Option<(u64, RowsByKey)> {
        let snapshot = self.snapshots.catch_up(&self.sequencer, topic.as_bytes())?;
        let mut rows = RowsByKey::new();
        for payload in &snapshot.payloads {
            let event = EventRef::read(topic.as_bytes(), payload).unwrap().to_event();
            let value = if let Value::Text(text) = event.value { text } else { String::new() };
            let before = rows.insert(event.key.unwrap(), (event.action.to_string(), value));
            assert_eq!(before, None, "one event of each row");
        }
        Some((snapshot.number, rows))
    }

    pub(super) fn first_segment(&self) -> u32 {
        self.sequencer.lock().ring.first_number()
    }

    pub(super) fn rows_start(&self) -> RowsStart {
        self.snapshots.compaction.start()
    }

    pub(super) fn counter(&self, name: &str) -> u64 {
        let all = self.snapshots.compaction.read();
        all.iter().find(|counter| counter.name == name).unwrap().value
    }
}

pub(super) fn event(topic: &str, key: &str, action: &str, value: &str) -> Event {
    Event::new("t", key, action.into(), value, Topic::new(topic.to_owned()).unwrap())
}

pub(super) fn set(topic: &str, key: &str, value: &str) -> Event {
    event(topic, key, "set", value)
}

pub(super) fn ring_folder(state_dir: &Path) -> PathBuf {
    state_dir.join(format!("ring-{PUBLISHER:016x}"))
}

pub(super) fn rows_file(state_dir: &Path) -> PathBuf {
    ring_folder(state_dir).join("rows")
}

/// A copy of `state_dir` in another folder.
pub(super) fn copy(state_dir: &Path, to: &Path) {
    let (from, to) = (ring_folder(state_dir), ring_folder(to));
    let _ = fs::remove_dir_all(&to);
    fs::create_dir(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(&to, mode).unwrap();
}

/// The rows that these events leave.
pub(super) fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> RowsByKey {
    let mut rows = RowsByKey::new();
    for event in events {
        let value = if let Value::Text(text) = &event.value { text.clone() } else { String::new() };
        let key = event.key.clone().unwrap();
        if event.action.as_str() == "delete" {
            rows.remove(&key);
        } else {
            rows.insert(key, (event.action.to_string(), value));
        }
    }
    rows
}
