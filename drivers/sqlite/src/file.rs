use std::thread;
use std::time::{Duration, Instant};

use pubsub_api::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags};

use crate::call_error::CallError;
use crate::identity::Identity;
use crate::schema;
use crate::settings::SqliteSettings;

/// Pause before a locked file is opened again: the switch to WAL mode does not wait by itself.
const REOPEN_PAUSE: Duration = Duration::from_millis(10);

/// Limit of the log after a checkpoint, in bytes; a large batch exceeds it for a while.
const MAX_IDLE_LOG_BYTES: i64 = 16 * 1024 * 1024;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// One connection to the file. It blocks.
#[derive(Debug)]
pub(crate) struct File {
    settings: SqliteSettings,
    access: Access,
    identity: Identity,
    connection: Connection,
}

impl File {
    /// Opens the file, or creates it; waits up to `busy_timeout` if it is locked.
    pub(crate) fn open(settings: SqliteSettings, access: Access) -> Result<Self> {
        let deadline = Instant::now() + settings.busy_timeout;
        loop {
            match connect(&settings, access, deadline) {
                Ok((identity, connection)) => return Ok(Self { settings, access, identity, connection }),
                #[expect(clippy::disallowed_methods, reason = "SQLite does not announce the end of a lock")]
                Err(failed) if failed.is_busy() && Instant::now() < deadline => thread::sleep(REOPEN_PAUSE),
                Err(failed) => {
                    let error = failed.explain(&settings, access == Access::Write);
                    return Err(error.context(format_args!("cannot use {}", settings.path.display())));
                }
            }
        }
    }

    /// Executes one call of the contract.
    pub(crate) fn run<T>(
        &mut self,
        deadline: Instant,
        call: impl FnOnce(&mut Connection) -> Result<T, CallError>,
    ) -> Result<T> {
        self.check_identity()?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(queue_timeout(&self.settings));
        }
        let done = self.connection.busy_timeout(left).map_err(CallError::from);
        let done = done.and_then(|()| call(&mut self.connection));
        done.map_err(|failed| failed.explain(&self.settings, self.access == Access::Write))
    }

    /// Checks that the file is still at its path, where other programs look for it.
    fn check_identity(&self) -> Result<()> {
        let path = self.settings.path.display();
        let text = match Identity::of(&self.settings.path) {
            Ok(found) if found == self.identity => return Ok(()),
            Ok(_) => {
                format!("{path} is not the file that was opened: restore that file, or restart the program")
            }
            Err(error) => format!("{path} is gone ({error}): put it back, or restart the program"),
        };
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}

/// The error for a call that waited too long after other calls of this process.
pub(crate) fn queue_timeout(settings: &SqliteSettings) -> Error {
    let text = format!(
        "a call of {} waited {:?} (drivers.sqlite.busy_timeout) for its turn; nothing was done, try again later",
        settings.path.display(),
        settings.busy_timeout
    );
    Error::new(ErrorKind::Unavailable, text)
}

fn connect(
    settings: &SqliteSettings,
    access: Access,
    deadline: Instant,
) -> Result<(Identity, Connection), CallError> {
    // No URI names, and no mutexes of the library: only one thread uses the connection.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&settings.path, flags)?;
    connection.busy_timeout(deadline.saturating_duration_since(Instant::now()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    schema::prepare(&mut connection)?;
    connection.pragma_update(None, "journal_size_limit", MAX_IDLE_LOG_BYTES)?;
    if access == Access::Read {
        connection.pragma_update(None, "query_only", true)?;
    }
    let identity = Identity::of(&settings.path).map_err(|error| {
        let text = format!("{} disappeared right after it was opened", settings.path.display());
        Error::new(ErrorKind::Unavailable, text).with_source(error)
    })?;
    Ok((identity, connection))
}
