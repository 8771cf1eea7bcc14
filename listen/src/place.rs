use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use pubsub_api::Result;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, openat, statat, unlinkat};
use rustix::io::Errno;

use crate::directory::directory_of;
use crate::refusal::refusal;

/// The path of a socket, split once: the open directory, and the name in it.
///
/// All operations use the open directory, so a change of the working directory or a renamed parent cannot redirect a
/// later step.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) directory: OwnedFd,
    pub(crate) name: OsString,
}

/// Identifies a file. The inode of a deleted file is reused, so keep the file open while its identity matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }
}

impl Place {
    /// Opens the directory of a `path` that has passed both checks.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, directory_of(path), flags, Mode::empty()).map_err(|errno| {
            refusal(format!("cannot open the directory of {}", path.display()))
                .with_source(io::Error::from(errno))
        })?;
        let name = path.file_name().map(OsString::from).unwrap_or_default();
        Ok(Self { path: path.to_owned(), directory, name })
    }

    /// A file name derived from the socket's: `publisher.sock` with `.` and `.bind` is `.publisher.sock.bind`.
    pub(crate) fn sibling(&self, before: &str, after: &str) -> OsString {
        let mut name = OsString::from(before);
        name.push(&self.name);
        name.push(after);
        name
    }

    /// Removes the file at the path if it is still `file`; leaves anything else in place.
    pub(crate) fn remove(&self, file: FileId) -> Result<(), Errno> {
        let found = match statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            found => found?,
        };
        if FileId::of(&found) == file {
            unlinkat(&self.directory, &self.name, AtFlags::empty())?;
        }
        Ok(())
    }
}
