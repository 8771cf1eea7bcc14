use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use key_files::{Secrecy, WatchedFile};
use pubsub_api::{Error, ErrorKind, Posture, Result, Verdict};

use super::key_file::watch_key_file;
use crate::protocol::curve::{AuthorizedAgents, SecretKey, ServerKeys};

/// The file with the agents that may connect, and the one with the key of the server that asks for them.
#[derive(Debug)]
pub(crate) struct AuthorizedFile {
    file: WatchedFile<AuthorizedAgents>,
    key_file: WatchedFile<SecretKey>,
    keys: RwLock<Arc<ServerKeys>>,
}

/// More than a million agents have.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// What follows while the file cannot be read: until it can, no agent is revoked.
const MEANWHILE: &str = "the agents that it named before may connect";

/// What follows while the key file cannot be read.
const WITHOUT_KEY: &str = "agents connect with the key that it held before";

impl AuthorizedFile {
    pub(super) fn open(key_path: &Path, path: &Path) -> Result<Self> {
        let (key_file, key) = watch_key_file(key_path, WITHOUT_KEY)?;
        let wrong = |error| {
            Error::new(ErrorKind::Settings, format!("authorized_agents_file {}: {error}", path.display()))
        };
        let parse = AuthorizedAgents::parse;
        let (file, agents) =
            WatchedFile::open(path, Secrecy::Public, MOST_BYTES, parse, MEANWHILE).map_err(wrong)?;
        if agents.is_empty() {
            tracing::warn!(id = "SK0407", "no agent may connect: {} names none", path.display());
        }
        Ok(Self { file, key_file, keys: RwLock::new(Arc::new(ServerKeys::new(key, agents))) })
    }

    /// The keys for a handshake that begins now.
    pub(crate) fn keys(&self) -> Arc<ServerKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How good it is.
    pub(crate) fn posture(&self) -> Posture {
        let (agents, path) = (self.keys().authorized().len(), self.file.path().display());
        let state = format!("authenticated and encrypted (CURVE); {agents} agents are in {path}");
        Posture::new("subscribers", Verdict::Good, state)
    }

    /// Reads the files again if they have changed and are settled, a few times a second however often it is called. A file that cannot
    /// be read changes nothing, and is reported every minute. A new key counts for handshakes that begin afterwards.
    pub(crate) fn refresh(&self, now: Instant) {
        if let Some(key) = self.key_file.refresh(now) {
            let agents = (*self.keys().authorized()).clone();
            let keys = ServerKeys::new(key, agents);
            tracing::info!(
                id = "SK0409",
                "agents connect with the key {}: {} has changed",
                keys.public(),
                self.key_file.path().display()
            );
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        }
        let Some(agents) = self.file.refresh(now) else { return };
        if *self.keys().authorized() != agents {
            tracing::info!(
                id = "SK0408",
                "{} agents may connect: {} has changed",
                agents.len(),
                self.file.path().display()
            );
            self.keys().authorize(agents);
        }
    }
}

/// Reads a file with the agents that may connect to a publisher, as the publisher does.
///
/// # Errors
/// [`ErrorKind::Settings`] if it cannot be read, other users can write it, or a line is not understood.
pub fn read_authorized_file(path: &Path) -> Result<AuthorizedAgents> {
    let wrong = |error| Error::new(ErrorKind::Settings, format!("{}: {error}", path.display()));
    let parse = AuthorizedAgents::parse;
    WatchedFile::open(path, Secrecy::Public, MOST_BYTES, parse, MEANWHILE)
        .map(|(_, agents)| agents)
        .map_err(wrong)
}

#[cfg(test)]
mod tests;
