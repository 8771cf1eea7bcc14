use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pubsub_api::{Error, ErrorKind, Result};

use crate::protocol::curve::{AuthorizedAgents, SecretKey, ServerKeys};

/// The file with the agents that may connect, and the keys of the server that asks for them.
#[derive(Debug)]
pub(crate) struct AuthorizedFile {
    path: PathBuf,
    pub(crate) keys: Arc<ServerKeys>,
    seen: Mutex<Option<Version>>,
}

/// What tells two contents of a file apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// More than a million agents have.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

impl AuthorizedFile {
    pub(super) fn open(key: SecretKey, path: &Path) -> Result<Self> {
        let wrong = |error| {
            Error::new(ErrorKind::Settings, format!("authorized_agents_file {}: {error}", path.display()))
        };
        let (version, agents) = read(path).map_err(wrong)?;
        if agents.is_empty() {
            tracing::warn!("no agent may connect: {} names none", path.display());
        }
        let keys = Arc::new(ServerKeys::new(key, agents));
        Ok(Self { path: path.to_owned(), keys, seen: Mutex::new(Some(version)) })
    }

    /// Reads the file again if it has changed; whether other agents may connect now. A file that cannot be read changes
    /// nothing, and is reported once.
    pub(crate) fn refresh(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = version(&self.path).ok();
        if now == *seen {
            return false;
        }
        *seen = now;
        match read(&self.path) {
            Ok((version, agents)) => {
                *seen = Some(version);
                let is_other = *self.keys.authorized() != agents;
                if is_other {
                    tracing::info!(
                        "{} agents may connect: {} has changed",
                        agents.len(),
                        self.path.display()
                    );
                    self.keys.authorize(agents);
                }
                is_other
            }
            Err(error) => {
                let path = self.path.display();
                tracing::error!(
                    "{path} cannot be read: {error}; the agents that it named before may connect"
                );
                false
            }
        }
    }
}

fn read(path: &Path) -> std::result::Result<(Version, AuthorizedAgents), String> {
    // Looked at before the text is read: what changes meanwhile is read again.
    let version = version(path)?;
    if version.bytes > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes"));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    Ok((version, AuthorizedAgents::parse(&text)?))
}

fn version(path: &Path) -> std::result::Result<Version, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.mode() & 0o022 != 0 {
        return Err(format!(
            "other users can write it (mode {:04o}): set its mode to 0644",
            metadata.mode() & 0o777
        ));
    }
    Ok(Version {
        inode: metadata.ino(),
        bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, remove_file, rename, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::AuthorizedFile;
    use crate::protocol::curve::{PublicKey, SecretKey};

    fn key() -> PublicKey {
        SecretKey::generate().unwrap().public()
    }

    fn put(path: &Path, text: &str) {
        write(path, text).unwrap();
        set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }

    #[test]
    fn a_change_is_seen_and_what_cannot_be_read_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("agents"), folder.path().join("other"));
        let (one, two) = (key(), key());
        put(&path, &format!("one {one}\n"));
        let file = AuthorizedFile::open(SecretKey::generate().unwrap(), &path).unwrap();
        let knows = |key: &PublicKey| file.keys.authorized().get(key).is_some();
        assert!(!file.refresh() && knows(&one) && !knows(&two));
        put(&other, &format!("one {one}\ntwo {two}\n"));
        rename(&other, &path).unwrap();
        assert!(file.refresh() && knows(&two));
        put(&path, &format!("one {one}\nbroken\n"));
        assert!(!file.refresh() && knows(&two), "the last valid one counts");
        remove_file(&path).unwrap();
        assert!(!file.refresh() && !file.refresh() && knows(&two));
        put(&path, &format!("two {two}\n"));
        assert!(file.refresh() && !knows(&one) && knows(&two));
        set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        assert!(!file.refresh() && knows(&two));
    }
}
