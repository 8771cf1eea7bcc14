use super::lineage::Lineage;
use super::topics::Topics;
use super::workers::{MAX_WORKERS, Workers};

/// What a publisher must not forget: which numbers it gave in which epochs, and how far it took each worker's events.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The publisher's key, the first part of its stamps.
    pub(crate) publisher: u64,
    pub(crate) lineage: Lineage,
    pub(crate) topics: Topics,
    pub(crate) workers: Workers,
    /// Counts records: what was used in the same one was used at the same time.
    pub(crate) tick: u64,
}

impl Ledger {
    /// Of a publisher that remembers nothing.
    pub(crate) fn new(publisher: u64, max_topics: usize) -> Self {
        Self {
            publisher,
            lineage: Lineage::default(),
            topics: Topics::new(max_topics),
            workers: Workers::new(MAX_WORKERS),
            tick: 0,
        }
    }

    /// The current epoch; 0 before the first begins.
    pub(crate) fn epoch(&self) -> u64 {
        self.lineage.current().unwrap_or(0)
    }

    /// Begins an epoch.
    pub(crate) fn begin_epoch(&mut self, now_us: u64) -> u64 {
        let epoch = self.lineage.begin(now_us);
        self.topics.forget_epochs(&self.lineage);
        epoch
    }
}
