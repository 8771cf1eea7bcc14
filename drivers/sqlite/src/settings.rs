use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::Result;
use pubsub_api::settings::{Kind, Setting, Settings, declare_settings};

declare_settings! {
    /// The section `[drivers.sqlite]`.
    pub(crate) struct SqliteSection in "drivers.sqlite" {
        /// The file of the database; a relative path is in `state_dir`. The folder must exist and be writable, on a
        /// disk of this host. The driver creates the file if it does not exist, and two others beside it while it is
        /// open (`-wal`, `-shm`). All programs of the host that share the database must name the same file.
        path: PathBuf = r#""northbound.sqlite""#, Kind::Path, Restart;
        /// How long a call waits while others write, 10ms to 1m. Then it fails as unavailable and changes nothing.
        busy_timeout: Duration = r#""5s""#,
            Kind::Duration { min: Duration::from_millis(10), max: Duration::from_secs(60) }, Restart;
    }
}

/// The section `[drivers.sqlite]`, as the registry needs it.
pub const SETTINGS: &[Setting] = SqliteSection::TABLE;

/// The checked settings of the driver.
#[derive(Debug, Clone)]
pub(crate) struct SqliteSettings {
    /// The file.
    pub(crate) path: PathBuf,
    /// Time that a call waits for its turn.
    pub(crate) busy_timeout: Duration,
}

impl SqliteSettings {
    pub(crate) fn read(settings: &Settings) -> Result<Self> {
        let own = SqliteSection::read(settings)?;
        Ok(Self { path: settings.pubsub().state_dir.join(own.path), busy_timeout: own.busy_timeout })
    }
}
