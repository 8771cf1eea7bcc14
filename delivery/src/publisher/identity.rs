mod kept_id;

use std::path::Path;

use pubsub_api::CounterReading;
use pubsub_api::settings::Settings;
use uuid::Uuid;

use super::ring::folder::Folder;

/// The identity of a publisher, and the rings of other publishers in its `state_dir`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    id: String,
    source: IdentitySource,
    kept: Option<String>,
    foreign_rings: Vec<String>,
}

/// The source of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentitySource {
    /// The setting `publisher_id`.
    Set,
    /// The file in `state_dir` that an earlier start wrote.
    Kept,
    /// Host name, bind address and port.
    Derived,
}

impl Identity {
    /// Chooses the identity of a publisher with these settings. It reads files and changes none.
    ///
    /// In this order: `publisher_id` if it is set; the id derived from host name, bind address and port if there is a ring of
    /// that id; the id kept in `state_dir`, so that a host with a new name continues its ring; the derived id. A kept id whose
    /// ring another process holds belongs to that process.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let pubsub = settings.pubsub();
        Self::choose(pubsub.publisher_id.as_deref(), &derived(settings), &pubsub.state_dir)
    }

    /// Keeps the identity in `state_dir`, when a publisher starts.
    ///
    /// It logs a warning if the id differs from the kept one, if `state_dir` holds rings of other publishers that are not
    /// running, and if the id cannot be written: then the next start derives it again.
    pub(super) fn keep(&self, state_dir: &Path) {
        self.warn(state_dir);
        if self.kept.as_ref() != Some(&self.id)
            && let Err(error) = kept_id::write(state_dir, &self.id)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let state_dir = state_dir.display();
            tracing::warn!(
                id = "SK0209",
                "cannot keep the publisher's id in {state_dir} (state_dir): {error}; under another host name it will be \
                 another publisher"
            );
        }
    }

    pub(super) fn choose(set: Option<&str>, derived: &str, state_dir: &Path) -> Self {
        let kept = kept_id::read(state_dir);
        let has_ring = |id: &str| Folder::is_there(state_dir, publisher_key(id));
        let is_free = |id: &&String| !Folder::is_in_use(state_dir, publisher_key(id));
        let (id, source) = match (set, kept.as_ref().filter(is_free)) {
            (Some(set), _) => (set, IdentitySource::Set),
            (None, Some(kept)) if kept == derived || !has_ring(derived) => {
                (kept.as_str(), IdentitySource::Kept)
            }
            (None, _) => (derived, IdentitySource::Derived),
        };
        let own = publisher_key(id);
        let others = Folder::keys(state_dir).into_iter().filter(|key| *key != own);
        let foreign = others.filter(|key| !Folder::is_in_use(state_dir, *key));
        let foreign_rings = foreign.map(|key| format!("ring-{key:016x}")).collect();
        Self { id: id.to_owned(), source, kept: kept.clone(), foreign_rings }
    }

    fn warn(&self, state_dir: &Path) {
        let (id, state_dir) = (&self.id, state_dir.display());
        if let Some(kept) = self.kept.as_ref().filter(|kept| *kept != id) {
            tracing::warn!(
                id = "SK0210",
                "this publisher is {id}, and {state_dir} (state_dir) was kept by {kept}: subscribers of {kept} receive a resync"
            );
        }
        if !self.foreign_rings.is_empty() {
            let rings = self.foreign_rings.join(", ");
            tracing::warn!(
                id = "SK0211",
                "{state_dir} (state_dir) holds {rings} of other publishers, and this one is {id}: events in these rings \
                 are not replayed; set publisher_id to continue one of them, or remove them"
            );
        }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The source of the id.
    #[must_use]
    pub fn source(&self) -> IdentitySource {
        self.source
    }

    /// The id that an earlier start kept in `state_dir`, if this one differs from it.
    #[must_use]
    pub fn replaced(&self) -> Option<&str> {
        self.kept.as_deref().filter(|kept| *kept != self.id)
    }

    /// The rings of other publishers in `state_dir` that no process holds.
    #[must_use]
    pub fn foreign_rings(&self) -> &[String] {
        &self.foreign_rings
    }

    /// The counters of the status.
    pub(super) fn metrics(&self) -> Vec<CounterReading> {
        let source = match self.source {
            IdentitySource::Set => "set",
            IdentitySource::Kept => "kept",
            IdentitySource::Derived => "derived",
        };
        let reading = |name: &str, cause: Option<&str>, value| CounterReading {
            name: name.to_owned(),
            cause: cause.map(str::to_owned),
            value,
        };
        let foreign = u64::try_from(self.foreign_rings.len()).unwrap_or(u64::MAX);
        vec![
            reading("publisher_id", Some(source), 1),
            reading("publisher_id_replaced", None, u64::from(self.replaced().is_some())),
            reading("rings_of_other_publishers", None, foreign),
        ]
    }
}

/// The identity of the publisher with these settings, whether it is running or not: `publisher_id` if it is set, else the id
/// kept in `state_dir`, else the id derived from host name, bind address and port.
///
/// It reads a file. [`Identity::of`] is for the publisher itself.
#[must_use]
pub fn publisher_id(settings: &Settings) -> String {
    let pubsub = settings.pubsub();
    let set = pubsub.publisher_id.clone();
    set.or_else(|| kept_id::read(&pubsub.state_dir)).unwrap_or_else(|| derived(settings))
}

/// uuid5 of host name, bind address and port: two publishers on one host differ (Dragonflow's had one id:
/// docs/dragonflow.md#d11).
fn derived(settings: &Settings) -> String {
    let pubsub = settings.pubsub();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = format!("{host}/{}:{}", pubsub.publisher_bind_address, pubsub.publisher_port);
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()).to_string()
}

/// The publisher key of stamps: the first eight bytes of the UUID. An id that is not a UUID is hashed to its uuid5.
///
/// ```
/// assert_eq!(delivery::publisher_key("5f1c0b5e-2a9d-4c11-8000-0123456789ab"), 0x5f1c_0b5e_2a9d_4c11);
/// assert_ne!(delivery::publisher_key("api-1"), delivery::publisher_key("api-2"));
/// ```
///
/// Subscribers identify a publisher by this number, so two publishers whose ids begin with the same eight bytes count
/// as one.
#[must_use]
pub fn publisher_key(publisher_id: &str) -> u64 {
    let hashed = || Uuid::new_v5(&Uuid::NAMESPACE_DNS, publisher_id.as_bytes());
    Uuid::parse_str(publisher_id).unwrap_or_else(|_| hashed()).as_u64_pair().0
}

#[cfg(test)]
mod tests;
