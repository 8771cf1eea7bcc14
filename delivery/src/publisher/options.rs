use std::path::PathBuf;

use pubsub_api::Result;
use pubsub_api::settings::Settings;

use crate::KeptSettings;

/// How much a publisher keeps for subscribers that are behind, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherOptions {
    /// The folder in which the ring outlives the process; with `None` it is in memory, and is lost at a restart.
    pub state_dir: Option<PathBuf>,
    /// The bound of the ring, in bytes. When it is full, the oldest eighth is deleted.
    pub ring_bytes: u64,
    /// The bound of the latest events per row, from which snapshots are made, in bytes; with 0 no snapshots are made.
    /// When it is full, the largest topic loses its snapshot.
    pub snapshot_bytes: u64,
    /// The number of topics that are numbered at the same time. An event on one more topic retires the topic that was
    /// idle for longest.
    pub max_topics: usize,
}

impl PublisherOptions {
    /// As in the settings.
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
