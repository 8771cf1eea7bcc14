use std::path::Path;
use std::{env, fs};

use pubsub_api::{Error, ErrorKind, Result};
use redis::{Cmd, ProtocolVersion, RedisConnectionInfo, cmd};

use super::Endpoint;
use super::secret_file::warn_if_exposed;
use super::tls::Tls;
use crate::settings::{PasswordSource, RedisSettings};

/// The credentials: user, password and TLS. Its `Debug` shows no password and no key: the library hides the password.
#[derive(Debug)]
pub(crate) struct Login {
    info: RedisConnectionInfo,
    tls: Option<Tls>,
    password: Option<PasswordSource>,
}

impl Login {
    /// Reads the password and the TLS files, if the settings have any.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if a file cannot be read or has the wrong content, or the password is empty or missing.
    pub(crate) fn read(settings: &RedisSettings) -> Result<Self> {
        let mut info = Self::without_password();
        if let Some(place) = &settings.password {
            info = info.set_password(read_password(place)?);
        }
        if let Some(user) = &settings.user {
            info = info.set_username(user);
        }
        let tls = settings.tls.as_ref().map(Tls::read).transpose()?;
        Ok(Self { info, tls, password: settings.password.clone() })
    }

    /// For the library, which does not log in: it would report every refusal as a wrong password.
    pub(super) fn without_password() -> RedisConnectionInfo {
        // Every version supports RESP2. The library's name is not sent: servers before 7.2 answer with an error.
        RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name()
    }

    /// The AUTH command, if there is a password.
    pub(super) fn auth(&self) -> Option<Cmd> {
        let password = self.info.password()?;
        let mut auth = cmd("AUTH");
        if let Some(user) = self.info.username() {
            auth.arg(user);
        }
        auth.arg(password);
        Some(auth)
    }

    /// The error for a refused password. It omits the server's text on purpose: a server that does not know AUTH repeats the
    /// arguments, which are the password.
    pub(crate) fn refused(&self, endpoint: &Endpoint) -> Error {
        let text = format!(
            "{endpoint} refuses the password for {}: check drivers.redis.user and {}",
            self.user_name(),
            self.password_setting()
        );
        Error::new(ErrorKind::Settings, text)
    }

    /// User and password.
    pub(crate) fn info(&self) -> &RedisConnectionInfo {
        &self.info
    }

    /// The TLS configuration, if TLS is enabled.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// The user, for a message.
    pub(crate) fn user_name(&self) -> String {
        match (self.info.username(), self.info.password()) {
            (Some(user), _) => format!("user {user:?}"),
            (None, Some(_)) => "the default user".to_owned(),
            (None, None) => "no user: the settings have no password".to_owned(),
        }
    }

    /// The setting with the location of the password.
    pub(crate) fn password_setting(&self) -> &'static str {
        match self.password {
            Some(PasswordSource::Environment(_)) => "the variable of drivers.redis.password_env",
            Some(PasswordSource::File(_)) | None => "drivers.redis.password_file",
        }
    }
}

fn read_password(place: &PasswordSource) -> Result<String> {
    match place {
        PasswordSource::File(path) => password_of_file(path),
        PasswordSource::Environment(name) => password_of_variable(name),
    }
}

fn password_of_file(path: &Path) -> Result<String> {
    let wanted = || format!("drivers.redis.password_file {}", path.display());
    warn_if_exposed("drivers.redis.password_file", path);
    let text = fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Settings, format!("cannot read {}", wanted())).with_source(error)
    })?;
    let password = text.lines().next().unwrap_or_default();
    if password.is_empty() {
        let text = format!("{}: its first line is empty, but must be the password", wanted());
        return Err(Error::new(ErrorKind::Settings, text));
    }
    Ok(password.to_owned())
}

/// The library's error is omitted: for a value that is not UTF-8 it shows the bytes.
fn password_of_variable(name: &str) -> Result<String> {
    let why = match env::var(name) {
        Ok(password) if !password.is_empty() => return Ok(password),
        Ok(_) => "is empty",
        Err(env::VarError::NotPresent) => "is not set",
        Err(env::VarError::NotUnicode(_)) => "is not valid UTF-8",
    };
    let text = format!(
        "the environment variable {name} of drivers.redis.password_env {why}, but must be the password"
    );
    Err(Error::new(ErrorKind::Settings, text))
}
