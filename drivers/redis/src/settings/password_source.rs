use std::path::PathBuf;

use pubsub_api::settings::Section;
use pubsub_api::{Error, ErrorKind, Result};

use super::SECTION;

/// Location of the password. The password itself is never a setting, because settings are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PasswordSource {
    /// The first line of this file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
}

impl PasswordSource {
    /// The location in the settings, if any.
    pub(super) fn read(own: &Section<'_>) -> Result<Option<Self>> {
        let (file, variable) = (own.get::<String>("password_file")?, own.get::<String>("password_env")?);
        match (file.is_empty(), variable.is_empty()) {
            (true, true) => Ok(None),
            (false, true) => Ok(Some(Self::File(PathBuf::from(file)))),
            // The standard library panics on names that setenv(3) refuses.
            (true, false) if variable.contains(['=', '\0']) => {
                let text =
                    format!("{SECTION}.password_env is {variable:?}: it must be the name of a variable");
                Err(Error::new(ErrorKind::Settings, text))
            }
            (true, false) => Ok(Some(Self::Environment(variable))),
            (false, false) => {
                let text = format!(
                    "{SECTION}.password_file and {SECTION}.password_env are both set: set only one of them"
                );
                Err(Error::new(ErrorKind::Settings, text))
            }
        }
    }
}
