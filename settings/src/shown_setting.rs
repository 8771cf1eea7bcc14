use pubsub_api::settings::{Origin, Setting, Settings};

use super::value::WriteValue;

/// One line of `skimmer config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSetting<'a> {
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
///
/// Values are shown as they are. No setting contains a password: those that concern one name a file or a variable.
///
/// ```
/// use pubsub_api::settings::PubSub;
/// use settings::{Sources, load, shown_settings};
///
/// let sources = Sources { sets: vec!["linger=120s".into()], ..Sources::default() };
/// let (settings, _) = load(&sources, &[PubSub::TABLE], &[])?;
/// let linger = shown_settings(&settings).find(|shown| shown.setting.name == "linger");
/// let linger = linger.map(|shown| (shown.value, shown.origin.to_string()));
/// assert_eq!(linger, Some(("\"2m\"".to_owned(), "--set".to_owned())));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
pub fn shown_settings(settings: &Settings) -> impl Iterator<Item = ShownSetting<'_>> {
    settings.slots().iter().map(|slot| ShownSetting {
        setting: slot.setting,
        value: slot.value.to_toml(),
        json: slot.value.to_json(),
        origin: &slot.origin,
    })
}
