use std::path::PathBuf;

use pubsub_api::settings::Settings;

/// How much a publisher keeps for subscribers that are behind, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherOptions {
    /// The folder in which the ring outlives the process; without one it is in memory.
    pub state_dir: Option<PathBuf>,
    /// The bound of the ring.
    pub ring_bytes: u64,
    /// The bound of the latest events per row, from which snapshots are made.
    pub snapshot_bytes: u64,
    /// How many topics are followed at the same time.
    pub max_topics: usize,
}

impl PublisherOptions {
    /// As the settings say.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let service = settings.service();
        Self {
            state_dir: Some(settings.pubsub().state_dir.clone()),
            ring_bytes: service.ring_bytes,
            snapshot_bytes: service.snapshot_bytes,
            max_topics: service.max_topics,
        }
    }
}
