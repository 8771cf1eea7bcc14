use super::{Origin, Setting, Value};

/// A setting with its value, and where the value came from.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The declaration.
    pub setting: &'static Setting,
    /// A value that the setting's kind accepts.
    pub value: Value,
    /// Where the value came from.
    pub origin: Origin,
}
