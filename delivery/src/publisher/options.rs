use std::path::PathBuf;

use pubsub_api::Result;
use pubsub_api::settings::Settings;

use crate::KeptSettings;

/// How much a publisher keeps for subscribers that are behind, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherOptions {
    /// The folder in which the ring outlives the process; without one it is in memory.
    pub state_dir: Option<PathBuf>,
    /// The bound of the ring.
    pub ring_bytes: u64,
    /// The bound of the latest events per row, from which snapshots are made.
    pub snapshot_bytes: u64,
    /// How many topics a publisher has at the same time.
    pub max_topics: usize,
}

impl PublisherOptions {
    /// As the settings say.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](pubsub_api::ErrorKind::Internal) if the settings were loaded without [`KeptSettings`].
    pub fn of(settings: &Settings) -> Result<Self> {
        let service = KeptSettings::read(settings)?;
        Ok(Self {
            state_dir: Some(settings.pubsub().state_dir.clone()),
            ring_bytes: service.ring_bytes,
            snapshot_bytes: service.snapshot_bytes,
            max_topics: service.max_topics,
        })
    }
}
