use pubsub_api::settings::{Origin, Setting, Settings};

use super::value::WriteValue;

/// One line of `skimmer config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value as TOML text.
    pub value: String,
    /// Its value as JSON, of the same type as in TOML: a duration or a size with a unit is text.
    pub json: serde_json::Value,
    /// Where the value came from.
    pub origin: &'a Origin,
}

/// Every setting with its value and origin, in the order of the tables: the programs', then the drivers'.
pub fn entries(settings: &Settings) -> impl Iterator<Item = Entry<'_>> {
    settings.slots().iter().map(|slot| Entry {
        setting: slot.setting,
        value: slot.value.to_toml(),
        json: slot.value.to_json(),
        origin: &slot.origin,
    })
}
