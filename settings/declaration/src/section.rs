use errors::{Error, ErrorKind, Result};

use crate::{FromValue, Slot};

/// One section of the settings: values by name and kind.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    slots: &'a [Slot],
    name: &'a str,
}

impl<'a> Section<'a> {
    /// Returns the section `name` of these settings. An unknown one is empty.
    #[must_use]
    pub fn new(slots: &'a [Slot], name: &'a str) -> Self {
        Self { slots, name }
    }

    /// Returns the value of the setting `name`.
    ///
    /// A [declared](crate::declare_settings!) struct reads all of its fields this way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`] if no loaded table declares the setting, or if it is declared with another kind than
    /// that of `T`: a defect of the program, never of the user's file.
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T> {
        let section = self.name;
        let defect = |text: String| Error::new(ErrorKind::Internal, text);
        let here = |slot: &&Slot| slot.setting.section == section && slot.setting.name == name;
        let slot = self.slots.iter().find(here);
        let slot = slot.ok_or_else(|| defect(format!("no table declares the setting {section}.{name}")))?;
        T::from_value(&slot.value).ok_or_else(|| {
            let kind = slot.setting.kind;
            defect(format!(
                "the setting {section}.{name} is declared as {kind:?}, but was read as another kind"
            ))
        })
    }
}
