//! Random histories of publishing, reading, compaction, kills and damage, against a model of the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use proptest::prelude::{Strategy, any};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, proptest};
use pubsub_api::{Event, Value};
use tempfile::TempDir;

use super::scene::{RowsByKey, Scene, event, ring_folder, rows_file};

const TOPICS: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Debug, Clone)]
enum Step {
    /// Topic, key, action, size of the value.
    Publish(usize, u8, u8, u16),
    /// Many events of few rows of a topic.
    Churn(usize, u8),
    Lose(usize),
    /// Rounds of the reader.
    Rounds(u8),
    Work,
    /// Deletions are forgotten.
    Sweep,
    Kill,
    /// Kills, and cuts the rows file to this part of its size.
    KillAndCut(u16),
    /// Kills, and changes a bit of the rows file, or of the one that is not complete.
    KillAndChange(u16, bool),
}

/// What was published.
#[derive(Debug, Default)]
struct Model {
    topics: BTreeMap<String, Topic>,
}

#[derive(Debug, Default)]
struct Topic {
    last: u64,
    rows: RowsByKey,
    deleted: BTreeSet<String>,
    is_lost: bool,
}

impl Model {
    fn note(&mut self, event: &Event, number: u64) {
        let topic = self.topics.entry(event.topic.to_string()).or_default();
        topic.last = number;
        let Some(key) = event.key.clone() else { return };
        topic.rows.remove(&key);
        topic.deleted.remove(&key);
        match event.action.as_str() {
            "delete" => drop(topic.deleted.insert(key)),
            action => {
                let value = if let Value::Text(text) = &event.value { text.clone() } else { String::new() };
                topic.rows.insert(key, (action.to_owned(), value));
            }
        }
    }
}

fn published(topic: usize, key: u8, action: u8, size: u16, nth: usize) -> Event {
    let action =
        ["set", "set", "create", "update", "delete", "delete", "poke", "sync"][usize::from(action % 8)];
    let value = format!("{nth} {}", "v".repeat(usize::from(size % 400)));
    let key = format!("k{}", key % 24);
    let event = event(TOPICS[topic % TOPICS.len()], &key, action, &value);
    if action == "sync" { Event { table: None, key: None, ..event } } else { event }
}

/// A publisher, and what it published.
struct History {
    folder: TempDir,
    scene: Scene,
    model: Model,
    epoch: u64,
    nth: usize,
    max_topics: usize,
    /// Whether compaction keeps up, as it does while `publish` waits for it.
    keeps_up: bool,
}

impl History {
    fn new(max_topics: usize, keeps_up: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let scene = Scene::start_with(folder.path(), 1000, 1 << 20, max_topics);
        Self { folder, scene, model: Model::default(), epoch: 1000, nth: 0, max_topics, keeps_up }
    }

    fn publish(&mut self, topic: usize, key: u8, action: u8, size: u16) {
        self.nth += 1;
        if self.keeps_up {
            self.scene.keep_up();
        }
        let event = published(topic, key, action, size, self.nth);
        let numbers = self.scene.publish(std::slice::from_ref(&event));
        self.model.note(&event, numbers[0]);
    }

    fn lose(&mut self, topic: usize) {
        let name = TOPICS[topic % TOPICS.len()];
        self.scene.lose_last(name);
        let topic = self.model.topics.entry(name.to_owned()).or_default();
        topic.is_lost = true;
    }

    fn restart(&mut self, change: impl FnOnce(&TempDir)) {
        self.epoch += 1000;
        // The folder is locked.
        let other = TempDir::new().unwrap();
        drop(std::mem::replace(&mut self.scene, Scene::start(other.path(), 1)));
        change(&self.folder);
        self.scene = Scene::start_with(self.folder.path(), self.epoch, 1 << 20, self.max_topics);
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Publish(topic, key, action, size) => self.publish(topic, key, action, size),
            Step::Churn(topic, key) => (0..40).for_each(|_| self.publish(topic, key, 0, 300)),
            Step::Lose(topic) => self.lose(topic),
            Step::Rounds(rounds) => self.scene.rounds(usize::from(rounds % 8)),
            Step::Work => self.scene.work(),
            Step::Sweep => {
                let later = Duration::from_secs(100_000);
                self.scene.snapshots.follower().cache.sweep(later, |_| true);
                self.scene.snapshots.sweep(&self.scene.sequencer);
            }
            Step::Kill => self.restart(|_| {}),
            Step::KillAndCut(part) => self.restart(|folder| {
                if let Ok(bytes) = fs::read(rows_file(folder.path())) {
                    let length = bytes.len() * usize::from(part) / usize::from(u16::MAX);
                    fs::write(rows_file(folder.path()), &bytes[..length]).unwrap();
                }
            }),
            Step::KillAndChange(place, is_new) => self.restart(|folder| {
                let name = if is_new { "rows-new" } else { "rows" };
                let path = ring_folder(folder.path()).join(name);
                let mut bytes = fs::read(&path).unwrap_or_default();
                let at = bytes.len() * usize::from(place) / (usize::from(u16::MAX) + 1);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (place % 8);
                    fs::write(&path, bytes).unwrap();
                }
            }),
        }
    }

    /// Whether each snapshot is what the model has; returns the topics that have one.
    fn check(&self) -> Result<Vec<String>, proptest::test_runner::TestCaseError> {
        let mut found = Vec::new();
        for (name, topic) in &self.model.topics {
            let Some((number, mut rows)) = self.scene.all_rows(name) else { continue };
            prop_assert!(!topic.is_lost, "{name} has lost an event");
            prop_assert_eq!(number, topic.last, "of {}", name);
            for key in &topic.deleted {
                let deleted = rows.remove(key);
                prop_assert!(deleted.as_ref().is_none_or(|(action, _)| action == "delete"), "{name} {key}");
            }
            prop_assert_eq!(&rows, &topic.rows, "of {}", name);
            found.push(name.clone());
        }
        Ok(found)
    }
}

fn publishing() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_usize, any::<u8>(), any::<u8>(), any::<u16>())
            .prop_map(|(topic, key, action, size)| Step::Publish(topic, key, action, size)),
        3 => (0..4_usize, any::<u8>()).prop_map(|(topic, key)| Step::Churn(topic, key)),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => publishing(),
        1 => (0..4_usize).prop_map(Step::Lose),
        10 => any::<u8>().prop_map(Step::Rounds),
        3 => proptest::strategy::Just(Step::Work),
        2 => proptest::strategy::Just(Step::Sweep),
        4 => proptest::strategy::Just(Step::Kill),
        1 => any::<u16>().prop_map(Step::KillAndCut),
        1 => (any::<u16>(), any::<bool>()).prop_map(|(place, is_new)| Step::KillAndChange(place, is_new)),
    ]
}

fn steady_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => publishing(),
        2 => proptest::strategy::Just(Step::Sweep),
        3 => proptest::strategy::Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 120, failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_happens_a_snapshot_has_the_rows_of_the_topic_or_there_is_none(
        max_topics in proptest::sample::select(vec![3_usize, 100]),
        steps in proptest::collection::vec(any_step(), 1..120),
    ) {
        let mut history = History::new(max_topics, false);
        for step in &steps {
            history.step(step);
            if matches!(step, Step::Kill | Step::KillAndCut(_) | Step::KillAndChange(..) | Step::Work) {
                history.check()?;
            }
        }
        history.step(&Step::Kill);
        history.check()?;
    }

    #[test]
    fn if_compaction_keeps_up_every_topic_has_a_snapshot_after_a_kill(
        steps in proptest::collection::vec(steady_step(), 1..80),
        rounds in 0..6_usize,
    ) {
        let mut history = History::new(100, true);
        for step in &steps {
            history.step(step);
            history.scene.rounds(rounds);
            if matches!(step, Step::Kill) {
                let with_rows = |topic: &&Topic| !topic.rows.is_empty();
                let wanted = history.model.topics.values().filter(with_rows).count();
                prop_assert!(history.check()?.len() >= wanted, "of {wanted}");
            }
        }
    }
}
