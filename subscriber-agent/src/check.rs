use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result};
use service_kit::StatusServer;

use crate::AgentBuilder;

/// What the program is called.
pub(crate) const PROGRAM: &str = "subscriber-agent";

/// Checks what a start of `subscriber-agent` needs, and starts nothing: settings, aliases, addresses of publishers, topics,
/// patterns and folders. The program does the same before it starts.
///
/// # Errors
/// What a start would be refused for: [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) and
/// [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable).
pub fn check(registry: &Registry, settings: &Settings) -> Result<()> {
    AgentBuilder::new(registry, settings)?;
    StatusServer::check(&settings.pubsub().state_dir, PROGRAM)
}
