use std::path::Path;
use std::{env, fs};

use pubsub_api::{Error, ErrorKind, Result};
use redis::{Cmd, ProtocolVersion, RedisConnectionInfo, cmd};

use super::Endpoint;
use super::secret_file::warn_if_exposed;
use super::tls::Tls;
use crate::settings::{PasswordPlace, RedisSettings};

/// How to be let in: user, password and TLS. Its `Debug` shows no password and no key: the library hides the password.
#[derive(Debug)]
pub(crate) struct Login {
    info: RedisConnectionInfo,
    tls: Option<Tls>,
    password: Option<PasswordPlace>,
}

impl Login {
    /// Reads the password and the files for TLS, as far as there are any.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if a file cannot be read or holds something else, or the password is empty or not there.
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

    /// For the library, which does not log in: it takes every refusal for that of a wrong password.
    pub(super) fn without_password() -> RedisConnectionInfo {
        // RESP2 is what every version speaks. The library's name is not announced: servers before 7.2 answer with an error.
        RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name()
    }

    /// The command that logs in, if a password is to be sent.
    pub(super) fn auth(&self) -> Option<Cmd> {
        let password = self.info.password()?;
        let mut auth = cmd("AUTH");
        if let Some(user) = self.info.username() {
            auth.arg(user);
        }
        auth.arg(password);
        Some(auth)
    }

    /// That the server refuses the password. Its own words are left out on purpose: a server that does not know AUTH repeats
    /// the arguments, which are the password.
    pub(crate) fn refused(&self, endpoint: &Endpoint) -> Error {
        let text = format!(
            "{endpoint} refuses the password for {}: look at drivers.redis.user and what {} holds",
            self.who(),
            self.password_setting()
        );
        Error::new(ErrorKind::Settings, text)
    }

    /// User and password.
    pub(crate) fn info(&self) -> &RedisConnectionInfo {
        &self.info
    }

    /// What TLS needs, if it is to be spoken.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// As whom, in words.
    pub(crate) fn who(&self) -> String {
        match (self.info.username(), self.info.password()) {
            (Some(user), _) => format!("user {user:?}"),
            (None, Some(_)) => "the default user".to_owned(),
            (None, None) => "nobody: the settings name no password".to_owned(),
        }
    }

    /// The setting that says where the password is.
    pub(crate) fn password_setting(&self) -> &'static str {
        match self.password {
            Some(PasswordPlace::Environment(_)) => "the variable of drivers.redis.password_env",
            Some(PasswordPlace::File(_)) | None => "drivers.redis.password_file",
        }
    }
}

fn read_password(place: &PasswordPlace) -> Result<String> {
    match place {
        PasswordPlace::File(path) => password_of_file(path),
        PasswordPlace::Environment(name) => password_of_variable(name),
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
        let text = format!("{}: its first line is empty, and wants the password", wanted());
        return Err(Error::new(ErrorKind::Settings, text));
    }
    Ok(password.to_owned())
}

/// The library's error is left out: of a value that is no text it shows the bytes.
fn password_of_variable(name: &str) -> Result<String> {
    let why = match env::var(name) {
        Ok(password) if !password.is_empty() => return Ok(password),
        Ok(_) => "is empty",
        Err(env::VarError::NotPresent) => "is not set",
        Err(env::VarError::NotUnicode(_)) => "is no text in UTF-8",
    };
    let text = format!(
        "the environment variable {name} of drivers.redis.password_env {why}, and wants the password"
    );
    Err(Error::new(ErrorKind::Settings, text))
}
