//! A settings file for one test, and the drivers that these tests know.

#![expect(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pubsub_api::settings::{Kind, Reload, Setting, Settings};
use pubsub_api::{Error, ErrorKind};
use settings::{Sources, Warning};
use tempfile::TempDir;

const fn of_driver(name: &'static str, kind: Kind, default: &'static str) -> Setting {
    Setting {
        section: "drivers.zeromq",
        name,
        kind,
        default,
        doc: "For tests.",
        reload: Reload::Restart,
        formerly: &[],
    }
}

const ZEROMQ: &[Setting] = &[
    of_driver("recv_queue_events", Kind::Integer { min: 1, max: 1_000_000 }, "10000"),
    of_driver("ring", Kind::Bytes { min: 0, max: 1 << 30 }, r#""64MiB""#),
    of_driver("mode", Kind::Choice(&["fast", "careful"]), r#""fast""#),
    of_driver("heartbeat", Kind::Duration { min: Duration::ZERO, max: Duration::from_secs(60) }, r#""1s""#),
    of_driver("keys", Kind::Path, r#""/etc/keys""#),
    of_driver("confirm", Kind::Bool, "false"),
    of_driver("peers", Kind::List, r#"["a"]"#),
];

/// Two aliases of one driver bring its settings twice.
pub(crate) const DRIVERS: &[&[Setting]] = &[ZEROMQ, ZEROMQ];

/// A folder with one settings file, removed at the end of the test.
pub(crate) struct Written {
    folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Written {
    pub(crate) fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        Self { folder, path }
    }

    pub(crate) fn sources(&self) -> Sources {
        Sources { files: vec![self.path.clone()], ..Sources::default() }
    }

    pub(crate) fn load(&self) -> Result<(Settings, Vec<Warning>), Error> {
        all_settings::load(&self.sources(), DRIVERS)
    }

    /// The text of the error, without the folder.
    pub(crate) fn refusal(&self) -> String {
        let error = self.load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings, "{error}");
        error.to_string().replace(&format!("{}/", self.folder.path().display()), "")
    }
}
