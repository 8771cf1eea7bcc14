//! The keys of CURVE in files and settings: what [`protocol::curve`](crate::protocol::curve) needs, read and watched.

mod authorized_file;
mod key_file;
mod own_key;
mod pinned_keys;

use std::path::PathBuf;

use pubsub_api::settings::choice;
use pubsub_api::{Error, ErrorKind, Result};

use crate::protocol::curve::ClientKeys;
pub(crate) use authorized_file::AuthorizedFile;
pub use authorized_file::read_authorized_file;
pub use key_file::{read_key_file, write_key_file};
use own_key::OwnKey;
pub use pinned_keys::PinnedKeys;

choice! {
    /// The security mechanism of the network hop.
    pub enum SecurityMechanism {
        /// No authentication, no encryption (RFC 37).
        Null = "null",
        /// Authentication of both sides and encryption (RFC 25).
        Curve = "curve",
    }
}

/// The settings of CURVE.
#[derive(Debug, Clone)]
pub struct CurveSettings {
    /// The file with the secret key of the publisher.
    pub publisher_key_file: Option<PathBuf>,
    /// The file with the agents that may connect to it.
    pub authorized_agents_file: Option<PathBuf>,
    /// The file with the secret key of the agent.
    pub agent_key_file: Option<PathBuf>,
    /// The public keys of the publishers that it connects to.
    pub publisher_keys: PinnedKeys,
}

impl CurveSettings {
    /// Whether none is set.
    pub(crate) fn is_empty(&self) -> bool {
        let files = [&self.publisher_key_file, &self.authorized_agents_file, &self.agent_key_file];
        files.iter().all(|file| file.is_none()) && self.publisher_keys.is_empty()
    }

    /// The keys of a publisher, and the file that it watches.
    pub(crate) fn server(&self) -> Result<AuthorizedFile> {
        let key = needed(self.publisher_key_file.as_ref(), "publisher_key_file")?;
        let agents = needed(self.authorized_agents_file.as_ref(), "authorized_agents_file")?;
        AuthorizedFile::open(key, agents)
    }

    /// The keys of an agent.
    pub(crate) fn client(&self) -> Result<AgentKeys> {
        let path = needed(self.agent_key_file.as_ref(), "agent_key_file")?;
        let own = OwnKey::read(path)?;
        if self.publisher_keys.is_empty() {
            return Err(wrong("publisher_keys is empty: write the public key of the publishers into it"));
        }
        Ok(AgentKeys { own, pinned: self.publisher_keys.clone() })
    }
}

/// The keys that an agent connects with.
#[derive(Debug)]
pub(crate) struct AgentKeys {
    own: OwnKey,
    pinned: PinnedKeys,
}

impl AgentKeys {
    /// The keys for a new connection to a publisher, by its endpoint; `None` if no key is known for it.
    pub(crate) fn of_publisher(&self, endpoint: &str) -> Option<ClientKeys> {
        self.pinned.get(endpoint).map(|server| ClientKeys::new(self.own.for_connection(), server))
    }
}

fn needed<'a>(file: Option<&'a PathBuf>, name: &str) -> Result<&'a PathBuf> {
    file.ok_or_else(|| wrong(&format!("{name} is empty, and mechanism = \"curve\" needs it")))
}

fn wrong(text: &str) -> Error {
    Error::new(ErrorKind::Settings, format!("drivers.zmtp.{text}"))
}
