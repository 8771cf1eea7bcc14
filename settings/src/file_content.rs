use pubsub_api::settings::{Origin, Setting, SettingValue};

use super::findings::Findings;

/// What reading a file yields: values, and what is wrong with the byte at which it stands.
#[derive(Debug, Default)]
pub(super) struct FileContent {
    pub(super) values: Vec<(&'static Setting, SettingValue, Origin)>,
    pub(super) problems: Findings,
    pub(super) warnings: Findings,
}
