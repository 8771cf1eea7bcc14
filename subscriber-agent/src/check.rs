use operations::{Occupancy, OperationsOptions};
use pubsub_api::settings::Settings;
use pubsub_api::{Posture, Registry, Result, Role};
use sealing::{OpeningOptions, SealingSettings};
use service_kit::StatusServer;
use subscriber_agent_settings::AgentSettings;

use crate::AgentBuilder;

/// The program's name.
pub(crate) const PROGRAM: &str = "subscriber-agent";

/// The HTTP endpoint for operators, if there is one.
///
/// # Errors
/// As [`OperationsOptions::of`].
pub(crate) fn operations(settings: &Settings) -> Result<Option<OperationsOptions>> {
    let AgentSettings { operations_bind, operations_token_file, .. } = AgentSettings::read(settings)?;
    OperationsOptions::of("agent", &operations_bind, operations_token_file)
}

/// Checks everything that a start of `subscriber-agent` needs, without starting it: settings, aliases, publisher addresses,
/// topics, patterns, the keyring, folders, and the address for operators (`occupancy`: whether it must be free). The program makes the same check before it starts. Returns the warnings, each a
/// sentence for the operator.
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) or
/// [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable), as a start would return.
pub fn check(registry: &Registry, settings: &Settings, occupancy: Occupancy) -> Result<Vec<String>> {
    AgentBuilder::new(registry, settings)?;
    OpeningOptions::of(settings)?.map(|opening| opening.open()).transpose()?;
    StatusServer::check(&settings.pubsub().state_dir, PROGRAM)?;
    if let Some(operations) = operations(settings)? {
        operations.check(occupancy)?;
    }
    Ok(posture(registry, settings)?.iter().filter_map(Posture::warning).collect())
}

/// Checks the address for operators in the settings, without reading the files of the host.
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) if `agent.operations_bind` is no address, or needs a token.
pub fn check_names(settings: &Settings) -> Result<()> {
    operations(settings)?.map_or(Ok(()), |operations| operations.check_exposure())
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
    postures.extend(operations(settings)?.as_ref().map(OperationsOptions::posture));
    Ok(postures)
}
