use pubsub_api::Topic;

use super::checkpoint::Checkpoint;
use super::line::Line;
use super::lineage::Lineage;
use super::topics::Topics;
use super::workers::{MAX_WORKERS, Workers};

/// What a publisher must not forget: which numbers it gave in which epochs, and how far it took each worker's events.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The publisher's key, the first part of its stamps.
    pub(super) publisher: u64,
    pub(super) lineage: Lineage,
    pub(super) topics: Topics,
    pub(super) workers: Workers,
    /// Counts records: what was used in the same one was used at the same time.
    pub(super) tick: u64,
}

impl Ledger {
    /// Of a publisher that remembers nothing.
    pub(super) fn new(publisher: u64, max_topics: usize) -> Self {
        Self {
            publisher,
            lineage: Lineage::default(),
            topics: Topics::new(max_topics),
            workers: Workers::new(MAX_WORKERS),
            tick: 0,
        }
    }

    /// The current epoch; 0 before the first begins.
    pub(super) fn epoch(&self) -> u64 {
        self.lineage.current().unwrap_or(0)
    }

    /// Begins an epoch.
    pub(super) fn begin_epoch(&mut self, now_us: u64) -> u64 {
        let epoch = self.lineage.begin(now_us);
        self.topics.forget_epochs(&self.lineage);
        epoch
    }

    /// Takes over what a checkpoint tells; topics that are not in it are retired. `None` if it contradicts what is known.
    pub(super) fn adopt(&mut self, checkpoint: Checkpoint) -> Option<()> {
        let Checkpoint { floor, lineage, topics, workers, .. } = checkpoint;
        if self
            .lineage
            .epochs()
            .iter()
            .any(|epoch| *epoch > lineage.oldest().unwrap_or(0) && !lineage.contains(*epoch))
        {
            return None;
        }
        self.lineage = lineage;
        let anew = Topics::new(self.topics.bound());
        let mut before = std::mem::replace(&mut self.topics, anew);
        for (topic, line) in topics {
            self.tick += 1;
            let known = before.id(topic.as_bytes()).and_then(|id| before.get_mut(id));
            let history = known.map(|state| (state.line.last(), std::mem::take(&mut state.history)));
            self.adopt_topic(topic, line, history)?;
        }
        self.topics.raise_floor(floor);
        self.workers = Workers::new(self.workers.bound());
        for progress in workers {
            self.tick += 1;
            self.workers.note(progress, self.tick);
        }
        Some(())
    }

    fn adopt_topic(
        &mut self,
        topic: Topic,
        line: Line,
        history: Option<(u64, super::history::History)>,
    ) -> Option<()> {
        let last = line.last();
        let id = self.topics.add(topic, line, self.tick)?;
        match history {
            Some((before, _)) if before != last => None,
            Some((_, history)) => {
                self.topics.get_mut(id)?.history = history;
                Some(())
            }
            None => Some(()),
        }
    }
}
