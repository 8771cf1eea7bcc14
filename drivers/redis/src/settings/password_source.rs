use std::path::PathBuf;

use pubsub_api::{Error, ErrorKind, Result};

use super::{RedisSection, SECTION};

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
    pub(super) fn read(own: &RedisSection) -> Result<Option<Self>> {
        match (&own.password_file, &own.password_env) {
            (None, None) => Ok(None),
            (Some(file), None) => Ok(Some(Self::File(file.clone()))),
            // The standard library panics on names that setenv(3) refuses.
            (None, Some(variable)) if variable.contains(['=', '\0']) => {
                let text =
                    format!("{SECTION}.password_env is {variable:?}: it must be the name of a variable");
                Err(Error::new(ErrorKind::Settings, text))
            }
            (None, Some(variable)) => Ok(Some(Self::Environment(variable.clone()))),
            (Some(_), Some(_)) => {
                let text = format!(
                    "{SECTION}.password_file and {SECTION}.password_env are both set: set only one of them"
                );
                Err(Error::new(ErrorKind::Settings, text))
            }
        }
    }
}
