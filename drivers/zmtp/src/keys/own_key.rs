use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pubsub_api::Result;

use super::read_key_file;
use crate::protocol::curve::SecretKey;

/// The secret key of an agent. Its file is read again for each new connection, so that a key that was replaced on disk is used without a
/// restart.
#[derive(Debug)]
pub(super) struct OwnKey {
    path: PathBuf,
    last: Mutex<LastRead>,
}

#[derive(Debug)]
struct LastRead {
    key: Arc<SecretKey>,
    /// When it was last logged that the file cannot be read.
    reported_at: Option<Instant>,
}

/// The interval between two reports of a file that cannot be read.
const REPORT: Duration = Duration::from_secs(60);

impl OwnKey {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// As [`read_key_file`].
    pub(super) fn read(path: &Path) -> Result<Self> {
        let key = Arc::new(read_key_file(path)?);
        Ok(Self { path: path.to_owned(), last: Mutex::new(LastRead { key, reported_at: None }) })
    }

    /// For a new connection: the key as it is in the file now. If that cannot be read, it is logged, and the last key is used.
    pub(super) fn for_connection(&self) -> Arc<SecretKey> {
        let read = read_key_file(&self.path);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match read {
            Ok(key) => *last = LastRead { key: Arc::new(key), reported_at: None },
            Err(error) if last.reported_at.is_none_or(|at| now.saturating_duration_since(at) >= REPORT) => {
                last.reported_at = Some(now);
                tracing::error!(
                    id = "SK0519",
                    "{error}; this agent connects with the key that it held before"
                );
            }
            Err(_) => {}
        }
        Arc::clone(&last.key)
    }
}

#[cfg(test)]
mod tests {
    use super::OwnKey;
    use crate::keys::write_key_file;

    #[test]
    fn each_connection_has_the_key_of_the_file_and_without_one_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.key");
        let first = write_key_file(&path).unwrap();
        let own = OwnKey::read(&path).unwrap();
        assert_eq!(own.for_connection().public(), first);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(own.for_connection().public(), first, "the last one");
        let second = write_key_file(&path).unwrap();
        assert_eq!(own.for_connection().public(), second);
    }
}
