use std::path::Path;

use pubsub_api::{Error, ErrorKind};
use rusqlite::ErrorCode;

use crate::settings::SqliteSettings;

/// Why a job on a connection failed: the contract says no, or SQLite.
#[derive(Debug)]
pub(crate) enum Failed {
    Refused(Error),
    Sqlite(rusqlite::Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Failed {
    /// Whether somebody else had the file locked.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Sqlite(error) => error.sqlite_error_code().is_some_and(is_busy),
        }
    }

    /// The error of the contract, with what to do. `writes`: of a call that changes something.
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
                "{path} was locked by another program for {busy_timeout:?} (drivers.sqlite.busy_timeout), and nothing \
                 was done: try again later"
            );
            (ErrorKind::Unavailable, text)
        }
        Some(ErrorCode::DiskFull) => {
            let text =
                format!("no room is left to write {path}, and nothing was done: make room on its disk");
            (ErrorKind::Unavailable, text)
        }
        Some(ErrorCode::NotADatabase) => {
            let text = format!("{path} is no database: name another file in drivers.sqlite.path");
            (ErrorKind::Settings, text)
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            let text =
                format!("{path} is damaged: stop the programs that use it, and put its backup in its place");
            (ErrorKind::Unavailable, text)
        }
        Some(ErrorCode::CannotOpen) => {
            (ErrorKind::Unavailable, format!("cannot open {path}: {}", hindrance(&settings.path)))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            let text = format!("{path} cannot be written by this user: grant it the file and its folder");
            (ErrorKind::Unavailable, text)
        }
        Some(ErrorCode::SystemIoFailure) if writes => {
            let text = format!("the device failed while {path} was written; whether it is done is not known");
            (ErrorKind::InDoubt, text)
        }
        Some(ErrorCode::SystemIoFailure) => {
            (ErrorKind::Unavailable, format!("the device failed while {path} was read"))
        }
        _ => (ErrorKind::Internal, format!("a call of the database {path} failed")),
    }
}

/// What SQLite does not tell about a file that it could not open.
fn hindrance(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match std::fs::metadata(folder) {
        Err(error) => format!("its folder {}: {error}; make it, or name another", folder.display()),
        Ok(folder_is) if !folder_is.is_dir() => format!("{} is no folder", folder.display()),
        Ok(_) if path.is_dir() => "it is a folder; name a file in drivers.sqlite.path".to_owned(),
        Ok(_) => format!("this user must be able to write it, and the folder {}", folder.display()),
    }
}
