use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pubsub_api::Result;

use super::Login;
use crate::settings::RedisSettings;

/// Where password and TLS files are. They are read again for each new connection, so that one that was rotated on disk is used
/// without a restart; connections that stand keep what they logged in with.
#[derive(Debug)]
pub(crate) struct Credentials {
    settings: RedisSettings,
    last: Mutex<LastRead>,
}

#[derive(Debug)]
struct LastRead {
    login: Arc<Login>,
    /// When it was last logged that a file cannot be read.
    reported_at: Option<Instant>,
}

/// The interval between two reports of a file that cannot be read.
const REPORT: Duration = Duration::from_secs(60);

impl Credentials {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// As [`Login::read`].
    pub(crate) fn read(settings: &RedisSettings) -> Result<Self> {
        let login = Arc::new(Login::read(settings)?);
        let last = Mutex::new(LastRead { login, reported_at: None });
        Ok(Self { settings: settings.clone(), last })
    }

    /// For a new connection: the files as they are now. If one cannot be read, that is logged, and the last ones are used.
    pub(crate) fn for_connection(&self) -> Arc<Login> {
        let read = Login::read(&self.settings);
        let (mut last, now) = (self.last_read(), Instant::now());
        match read {
            Ok(login) => *last = LastRead { login: Arc::new(login), reported_at: None },
            Err(error) if last.reported_at.is_none_or(|at| now.saturating_duration_since(at) >= REPORT) => {
                last.reported_at = Some(now);
                tracing::error!(id = "SK0910", "{error}; connections use what it held before");
            }
            Err(_) => {}
        }
        Arc::clone(&last.login)
    }

    /// As they were read last.
    pub(crate) fn last(&self) -> Arc<Login> {
        Arc::clone(&self.last_read().login)
    }

    fn last_read(&self) -> MutexGuard<'_, LastRead> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
