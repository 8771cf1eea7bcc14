use std::path::Path;

use pubsub_api::{Error, ErrorKind};
use rusqlite::ErrorCode;

use crate::settings::SqliteSettings;

/// Why a call on a connection failed: it violates the contract, or SQLite returned an error.
#[derive(Debug)]
pub(crate) enum CallError {
    Refused(Error),
    Sqlite(rusqlite::Error),
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for CallError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl CallError {
    /// Whether another connection had the file locked.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Sqlite(error) => error.sqlite_error_code().is_some_and(is_busy),
        }
    }

    /// The error of the contract, with a remedy. `writes`: the call changes something.
    pub(crate) fn explain(self, settings: &SqliteSettings, writes: bool) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Sqlite(error) => {
                let (kind, text) = explain(error.sqlite_error_code(), settings, writes);
                Error::new(kind, text).with_source(error)
            }
        }
    }
}

fn is_busy(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed)
}

/// The codes are those of <https://www.sqlite.org/rescode.html>.
fn explain(code: Option<ErrorCode>, settings: &SqliteSettings, writes: bool) -> (ErrorKind, String) {
    let (path, busy_timeout) = (settings.path.display(), settings.busy_timeout);
    match code {
        Some(code) if is_busy(code) => {
            let text = format!(
                "{path} was locked by another program for {busy_timeout:?} (drivers.sqlite.busy_timeout); nothing \
                 was written, try again later"
            );
            (ErrorKind::Unavailable, text)
        }
        Some(ErrorCode::DiskFull) => {
            let text = format!("the disk of {path} is full; nothing was written, free some space");
            (ErrorKind::Unavailable, text)
        }
        Some(ErrorCode::NotADatabase) => {
            let text = format!("{path} is not a database: name another file in drivers.sqlite.path");
            (ErrorKind::Settings, text)
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            let text =
                format!("{path} is damaged: stop the programs that use it, and restore it from a backup");
            (ErrorKind::Unavailable, text)
        }
        Some(ErrorCode::CannotOpen) => {
            (ErrorKind::Unavailable, format!("cannot open {path}: {}", open_failure(&settings.path)))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            let text = format!("this user cannot write {path}: give it access to the file and its folder");
            (ErrorKind::Unavailable, text)
        }
        Some(ErrorCode::SystemIoFailure) if writes => {
            let text =
                format!("I/O error while writing {path}; it is not known whether the call took effect");
            (ErrorKind::InDoubt, text)
        }
        Some(ErrorCode::SystemIoFailure) => {
            (ErrorKind::Unavailable, format!("I/O error while reading {path}"))
        }
        _ => (ErrorKind::Internal, format!("SQLite failed in {path}")),
    }
}

/// The reason why a file could not be opened, which SQLite does not report.
fn open_failure(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match std::fs::metadata(folder) {
        Err(error) => format!("its folder {}: {error}; create it, or name another", folder.display()),
        Ok(metadata) if !metadata.is_dir() => format!("{} is not a folder", folder.display()),
        Ok(_) if path.is_dir() => "it is a folder; name a file in drivers.sqlite.path".to_owned(),
        Ok(_) => format!("this user must be able to write it and its folder {}", folder.display()),
    }
}
