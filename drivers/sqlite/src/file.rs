use std::thread;
use std::time::{Duration, Instant};

use pubsub_api::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags};

use crate::failure::Failed;
use crate::identity::Identity;
use crate::schema;
use crate::settings::SqliteSettings;

/// How long to wait before opening a file again that somebody has locked: turning to WAL mode does not wait by itself.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// How large the log may stay after a checkpoint, in bytes; a large batch makes it larger for a while.
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
    /// Opens it, and makes it if there is none; waits for `busy_timeout` if it is locked.
    pub(crate) fn open(settings: SqliteSettings, access: Access) -> Result<Self> {
        let deadline = Instant::now() + settings.busy_timeout;
        loop {
            match connect(&settings, access, deadline) {
                Ok((identity, connection)) => return Ok(Self { settings, access, identity, connection }),
                Err(failed) if failed.is_busy() && Instant::now() < deadline => {
                    thread::sleep(OPEN_AGAIN_AFTER)
                }
                Err(failed) => {
                    let error = failed.explain(&settings, access == Access::Write);
                    return Err(error.context(format_args!("cannot use {}", settings.path.display())));
                }
            }
        }
    }

    /// Does one call of the contract.
    pub(crate) fn run<T>(
        &mut self,
        deadline: Instant,
        call: impl FnOnce(&mut Connection) -> Result<T, Failed>,
    ) -> Result<T> {
        self.check_place()?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(no_turn(&self.settings));
        }
        let done = self.connection.busy_timeout(left).map_err(Failed::from);
        let done = done.and_then(|()| call(&mut self.connection));
        done.map_err(|failed| failed.explain(&self.settings, self.access == Access::Write))
    }

    /// That the file is still where others look for it.
    fn check_place(&self) -> Result<()> {
        let path = self.settings.path.display();
        let text = match Identity::of(&self.settings.path) {
            Ok(found) if found == self.identity => return Ok(()),
            Ok(_) => {
                format!("{path} is another file than the one that was opened: put that back, or start again")
            }
            Err(error) => format!("{path} is gone ({error}): put it back, or start again"),
        };
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}

/// That a call had to wait too long behind others of this process.
pub(crate) fn no_turn(settings: &SqliteSettings) -> Error {
    let text = format!(
        "a call of {} waited {:?} (drivers.sqlite.busy_timeout) for its turn, and nothing was done: try again later",
        settings.path.display(),
        settings.busy_timeout
    );
    Error::new(ErrorKind::Unavailable, text)
}

fn connect(
    settings: &SqliteSettings,
    access: Access,
    deadline: Instant,
) -> Result<(Identity, Connection), Failed> {
    // Neither names that are URIs, nor the library's locks: only one thread has the connection.
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
        let text = format!("{} is gone as soon as it was opened", settings.path.display());
        Error::new(ErrorKind::Unavailable, text).with_source(error)
    })?;
    Ok((identity, connection))
}
