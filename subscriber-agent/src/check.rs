use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result};
use sealing::OpeningOptions;
use service_kit::StatusServer;

use crate::AgentBuilder;

/// The program's name.
pub(crate) const PROGRAM: &str = "subscriber-agent";

/// Checks everything that a start of `subscriber-agent` needs, without starting it: settings, aliases, publisher addresses,
/// topics, patterns, the keyring and folders. The program makes the same check before it starts.
///
/// # Errors
/// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) or
/// [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable), as a start would return.
pub fn check(registry: &Registry, settings: &Settings) -> Result<()> {
    AgentBuilder::new(registry, settings)?;
    OpeningOptions::of(settings)?.map(|opening| opening.open()).transpose()?;
    StatusServer::check(&settings.pubsub().state_dir, PROGRAM)
}
