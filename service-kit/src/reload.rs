use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use settings::restart_only_changes;

use crate::SettingsArguments;

impl SettingsArguments {
    /// Reads the settings again on SIGHUP. Either all changes apply or none (docs/guarantees.md#f19).
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the new settings are invalid, or change a setting that needs a restart; the text names
    /// it, and the old settings stay in force.
    pub fn reload(&self, registry: &Registry, current: &Settings) -> Result<Settings> {
        let new = self.load_and_warn(registry)?;
        let restart_only: Vec<String> =
            restart_only_changes(current, &new).iter().map(|setting| setting.full_name()).collect();
        if restart_only.is_empty() {
            return Ok(new);
        }
        let text = format!("changing {} needs a restart; no change was applied", restart_only.join(", "));
        Err(Error::new(ErrorKind::Settings, text))
    }
}
