use super::epoch_history::EpochHistory;
use super::topics::Topics;
use super::workers::{MAX_WORKERS, Workers};

/// The state that a publisher must not forget: its epochs, the sequences of its topics, and the positions of its workers.
#[derive(Debug)]
pub(crate) struct PublisherState {
    /// The publisher's key, the first part of its stamps.
    pub(crate) publisher: u64,
    pub(crate) epoch_history: EpochHistory,
    pub(crate) topics: Topics,
    pub(crate) workers: Workers,
    /// Counts records: entries used in one record have one time of use.
    pub(crate) tick: u64,
}

impl PublisherState {
    /// The state of a publisher that remembers nothing.
    pub(crate) fn new(publisher: u64, max_topics: usize) -> Self {
        Self {
            publisher,
            epoch_history: EpochHistory::default(),
            topics: Topics::new(max_topics),
            workers: Workers::new(MAX_WORKERS),
            tick: 0,
        }
    }

    /// The current epoch; 0 before the first begins.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch_history.current().unwrap_or(0)
    }

    /// Begins an epoch.
    pub(crate) fn begin_epoch(&mut self, now_us: u64) -> u64 {
        let epoch = self.epoch_history.begin(now_us);
        self.topics.forget_epochs(&self.epoch_history);
        epoch
    }
}
