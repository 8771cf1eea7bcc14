use crate::{Origin, Setting, SettingValue};

/// A setting with its value and the source of the value.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The declaration.
    pub setting: &'static Setting,
    /// A value that the setting's kind accepts.
    pub value: SettingValue,
    /// The source of the value.
    pub origin: Origin,
}
