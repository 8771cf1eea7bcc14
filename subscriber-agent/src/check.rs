use pubsub_api::settings::Settings;
use pubsub_api::{Posture, Registry, Result, Role};
use sealing::{OpeningOptions, SealingSettings};
use service_kit::StatusServer;

use crate::AgentBuilder;

/// The program's name.
pub(crate) const PROGRAM: &str = "subscriber-agent";

/// Checks everything that a start of `subscriber-agent` needs, without starting it: settings, aliases, publisher addresses,
/// topics, patterns, the keyring and folders. The program makes the same check before it starts. Returns the warnings, each a
/// sentence for the operator.
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) or
/// [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable), as a start would return.
pub fn check(registry: &Registry, settings: &Settings) -> Result<Vec<String>> {
    AgentBuilder::new(registry, settings)?;
    OpeningOptions::of(settings)?.map(|opening| opening.open()).transpose()?;
    StatusServer::check(&settings.pubsub().state_dir, PROGRAM)?;
    Ok(posture(registry, settings)?.iter().filter_map(Posture::warning).collect())
}

/// Returns which publishers are believed, and who can read what, with the settings of an agent.
///
/// # Errors
/// As [`Registry::open`] and [`Registry::used_database`].
pub fn posture(registry: &Registry, settings: &Settings) -> Result<Vec<Posture>> {
    let mut postures = registry.open(settings, Role::Network)?.subscriber().posture();
    if let Some(database) = registry.used_database(settings)? {
        postures.extend(database.posture());
    }
    postures.push(SealingSettings::read(settings)?.posture_of_subscriber());
    Ok(postures)
}
