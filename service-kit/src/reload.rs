use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use settings::restart_only_changes;

use crate::SettingsArguments;

impl SettingsArguments {
    /// Reads the settings again on SIGHUP: all of it applies, or nothing (docs/guarantees.md#f19).
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the new settings are wrong, or change what only a restart can change; the text
    /// names it, and the old settings stay in force.
    pub fn reload(&self, registry: &Registry, current: &Settings) -> Result<Settings> {
        let new = self.load_and_warn(registry)?;
        let fixed: Vec<String> =
            restart_only_changes(current, &new).iter().map(|setting| setting.full_name()).collect();
        if fixed.is_empty() {
            return Ok(new);
        }
        let text = format!("a restart is needed to change {}; nothing was applied", fixed.join(", "));
        Err(Error::new(ErrorKind::Settings, text))
    }
}
