use std::fs;

use pubsub_api::{Error, ErrorKind, Result};
use redis::{ProtocolVersion, RedisConnectionInfo};

use crate::settings::RedisSettings;

/// How to log in. Its `Debug` is the library's, which does not show the password.
#[derive(Debug)]
pub(super) struct Login(RedisConnectionInfo);

impl Login {
    /// Reads the password, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the file cannot be read or has no first line.
    pub(super) fn read(settings: &RedisSettings) -> Result<Self> {
        // RESP2 is what every version speaks. The library's name is not announced: servers before 7.2 answer with an error.
        let mut info =
            RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
        if let Some(path) = &settings.password_file {
            let wanted = || format!("drivers.redis.password_file {}", path.display());
            let text = fs::read_to_string(path).map_err(|error| {
                Error::new(ErrorKind::Settings, format!("cannot read {}", wanted())).with_source(error)
            })?;
            let password = text.lines().next().unwrap_or_default();
            if password.is_empty() {
                let text = format!("{}: its first line is empty, and wants the password", wanted());
                return Err(Error::new(ErrorKind::Settings, text));
            }
            info = info.set_password(password);
        }
        if let Some(user) = &settings.user {
            info = info.set_username(user);
        }
        Ok(Self(info))
    }

    /// For the library.
    pub(super) fn info(&self) -> &RedisConnectionInfo {
        &self.0
    }

    /// As whom, in words.
    pub(super) fn who(&self) -> String {
        match (self.0.username(), self.0.password()) {
            (Some(user), _) => format!("user {user:?}"),
            (None, Some(_)) => "the default user".to_owned(),
            (None, None) => "nobody: drivers.redis.password_file names no password".to_owned(),
        }
    }
}
