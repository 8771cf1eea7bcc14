mod group_key;
mod keys;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use key_files::{Secrecy, WatchedFile};
use pubsub_api::{Error, ErrorKind, Result};

pub(crate) use group_key::{GroupKey, Secret, push_hex};
pub(crate) use keys::{Keys, ROWS, USE, check_id};

/// The keys of sealed events: a file that is read again when it changes.
///
/// Publishers seal with the key that is marked `use`; subscribers open with all of them. So a key is changed without a gap by adding
/// the new one everywhere, and then marking it. The file holds at most 64 keys. `Debug` shows ids only.
#[derive(Debug)]
pub struct Keyring {
    file: WatchedFile<Keys>,
    keys: RwLock<Arc<Keys>>,
    /// How often the keys have changed.
    changes: AtomicU64,
}

/// 64 keys have less.
pub(crate) const MOST_BYTES: u64 = 64 * 1024;

/// The setting that names the file.
const SETTING: &str = "sealing.keyring_file";

const MEANWHILE: &str = "the keys that it had before are used";

impl Keyring {
    /// How often [`refresh`](Self::refresh) should be called.
    pub const LOOK: std::time::Duration = WatchedFile::<Keys>::LOOK;

    /// Opens the file.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if it cannot be read, other users can read it, it belongs to another user than that of this process or
    /// root, or a line is invalid. No error contains a key.
    pub fn open(path: &Path) -> Result<Arc<Self>> {
        Self::open_with(path, SETTING, Keys::parse)
    }

    /// As [`open`](Self::open), of another setting than `sealing.keyring_file`, which errors name.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_of(setting: &str, path: &Path) -> Result<Arc<Self>> {
        Self::open_with(path, setting, Keys::parse)
    }

    /// As [`open`](Self::open); the file must have the secret of row tags, now and whenever it changes.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_rows(path: &Path) -> Result<Arc<Self>> {
        Self::open_with(path, SETTING, Keys::parse_with_rows)
    }

    fn open_with(
        path: &Path,
        setting: &str,
        parse: fn(&str) -> std::result::Result<Keys, String>,
    ) -> Result<Arc<Self>> {
        let wrong = |error| Error::new(ErrorKind::Settings, format!("{setting} {}: {error}", path.display()));
        let (file, keys) =
            WatchedFile::open(path, Secrecy::Secret, MOST_BYTES, parse, MEANWHILE).map_err(wrong)?;
        Ok(Arc::new(Self { file, keys: RwLock::new(Arc::new(keys)), changes: AtomicU64::new(0) }))
    }

    /// Reads the file again if it has changed, a few times a second however often it is called. A secret of row tags that has
    /// changed is an error that is logged, and changes nothing: it must outlive the keys.
    pub fn refresh(&self, now: Instant) {
        let Some(new) = self.file.refresh(now) else { return };
        let path = self.file.path().display();
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.has_other_rows(&new) {
            tracing::error!(
                id = "SK1107",
                "{path} has another secret of row tags: rows would lose their identity; {MEANWHILE}"
            );
            return;
        }
        let (used, ids) = (new.used().id().to_owned(), new.ids());
        *keys = Arc::new(new);
        drop(keys);
        self.changes.fetch_add(1, Ordering::Release);
        tracing::info!(
            id = "SK1108",
            "{path} has changed: events are sealed with key {used:?}, and opened with {ids:?}"
        );
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(crate) fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
