use std::path::PathBuf;

use pubsub_api::settings::DriverSettings;
use pubsub_api::{Error, ErrorKind, Result};

use super::SECTION;

/// Where the password is. It is never a setting itself: settings are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PasswordPlace {
    /// The first line of this file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
}

impl PasswordPlace {
    /// Which of the two the settings name, if any.
    pub(super) fn read(own: &DriverSettings<'_>) -> Result<Option<Self>> {
        let (file, variable) = (own.text("password_file")?, own.text("password_env")?);
        match (file.is_empty(), variable.is_empty()) {
            (true, true) => Ok(None),
            (false, true) => Ok(Some(Self::File(PathBuf::from(file)))),
            // What setenv(3) refuses as a name, the standard library would panic about.
            (true, false) if variable.contains(['=', '\0']) => {
                let text =
                    format!("{SECTION}.password_env is {variable:?}: it wants the name of a variable alone");
                Err(Error::new(ErrorKind::Settings, text))
            }
            (true, false) => Ok(Some(Self::Environment(variable))),
            (false, false) => {
                let text = format!(
                    "{SECTION}.password_file and {SECTION}.password_env both say where the password is: name one of them"
                );
                Err(Error::new(ErrorKind::Settings, text))
            }
        }
    }
}
