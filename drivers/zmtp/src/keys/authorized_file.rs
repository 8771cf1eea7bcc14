use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pubsub_api::{Error, ErrorKind, Result};

use super::owner::check_owner;
use crate::protocol::curve::{AuthorizedAgents, SecretKey, ServerKeys};

/// The file with the agents that may connect, and the keys of the server that asks for them.
#[derive(Debug)]
pub(crate) struct AuthorizedFile {
    path: PathBuf,
    pub(crate) keys: Arc<ServerKeys>,
    watched: Mutex<Watched>,
}

/// What was seen of the file.
#[derive(Debug)]
struct Watched {
    /// What the agents were read from.
    read: Version,
    /// Another version, and when it was seen first.
    next: Option<(Version, Instant)>,
    looked_at: Option<Instant>,
    /// When it was last reported that the file cannot be read.
    reported_at: Option<Instant>,
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

/// The interval between two looks at the file. With [`SETTLED`] a change counts within half a second.
const LOOK: Duration = Duration::from_millis(200);

/// How long a file must stay as it is before it counts: one that is written in place is empty or incomplete for a moment.
const SETTLED: Duration = Duration::from_millis(100);

/// The interval between two reports of a file that cannot be read: until it can, no agent is revoked.
const REPORT: Duration = Duration::from_secs(60);

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
        let watched = Watched { read: version, next: None, looked_at: None, reported_at: None };
        Ok(Self { path: path.to_owned(), keys, watched: Mutex::new(watched) })
    }

    /// Reads the file again if it has changed and is settled, a few times a second however often it is called. A file that cannot be
    /// read changes nothing, and is reported every minute.
    pub(crate) fn refresh(&self, now: Instant) {
        let Ok(mut watched) = self.watched.try_lock().or_else(|error| match error {
            std::sync::TryLockError::Poisoned(poisoned) => Ok(PoisonError::into_inner(poisoned)),
            std::sync::TryLockError::WouldBlock => Err(()),
        }) else {
            return;
        };
        if watched.looked_at.is_some_and(|at| now.saturating_duration_since(at) < LOOK) {
            return;
        }
        watched.looked_at = Some(now);
        if let Err(error) = self.look(&mut watched, now)
            && watched.reported_at.is_none_or(|at| now.saturating_duration_since(at) >= REPORT)
        {
            watched.reported_at = Some(now);
            let path = self.path.display();
            tracing::error!("{path} cannot be read: {error}; the agents that it named before may connect");
        }
    }

    fn look(&self, watched: &mut Watched, now: Instant) -> std::result::Result<(), String> {
        let version = open(&self.path)?.1;
        if version == watched.read {
            (watched.next, watched.reported_at) = (None, None);
            return Ok(());
        }
        match watched.next {
            Some((next, since)) if next == version => {
                if now.saturating_duration_since(since) < SETTLED {
                    return Ok(());
                }
            }
            _ => {
                watched.next = Some((version, now));
                return Ok(());
            }
        }
        let (version, agents) = read(&self.path)?;
        (watched.read, watched.next, watched.reported_at) = (version, None, None);
        if *self.keys.authorized() != agents {
            tracing::info!("{} agents may connect: {} has changed", agents.len(), self.path.display());
            self.keys.authorize(agents);
        }
        Ok(())
    }
}

fn read(path: &Path) -> std::result::Result<(Version, AuthorizedAgents), String> {
    let (mut file, version) = open(path)?;
    let mut text = String::new();
    (&mut file).take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes"));
    }
    let after = file.metadata().map_err(|error| error.to_string())?;
    if Version::of(&after) != version {
        return Err("it changed while it was read".to_owned());
    }
    Ok((version, AuthorizedAgents::parse(&text)?))
}

/// Opens the file, and checks it. It never waits, as for the writer of a pipe.
fn open(path: &Path) -> std::result::Result<(File, Version), String> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file =
        OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    if metadata.mode() & 0o022 != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(format!("other users can write it (mode {mode:04o}): set its mode to 0644"));
    }
    check_owner(&metadata)?;
    Ok((file, Version::of(&metadata)))
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests;
