use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::Result;
use pubsub_api::settings::{Kind, Reload, Setting, Settings};

/// The section `[drivers.sqlite]`.
pub const SETTINGS: &[Setting] = &[
    Setting {
        section: "drivers.sqlite",
        name: "path",
        kind: Kind::Path,
        default: r#""northbound.sqlite""#,
        doc: "The file of the database; if it is not an absolute path, it is in `state_dir`. The folder must exist and be \
              writable, on a disk of this host; the file is made if there is none, and has two others beside it while it \
              is open (`-wal`, `-shm`). All programs of the host that share the database name the same file.",
        reload: Reload::Restart,
    },
    Setting {
        section: "drivers.sqlite",
        name: "busy_timeout",
        kind: Kind::Duration { min: Duration::from_millis(10), max: Duration::from_secs(60) },
        default: r#""5s""#,
        doc: "How long a call waits for its turn while others write, 10ms to 1m; then it fails as unavailable, and nothing \
              was done.",
        reload: Reload::Restart,
    },
];

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
        let own = settings.section("drivers.sqlite");
        Ok(Self {
            path: settings.pubsub().state_dir.join(own.get::<PathBuf>("path")?),
            busy_timeout: own.get("busy_timeout")?,
        })
    }
}
