use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;

use pubsub_api::{Error, Result};
use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, chmodat, fstat, mkdirat, openat, renameat, renameat_with, statat,
    unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::place::{FileId, Place};
use crate::refusal::refusal;

/// The name of the socket while it is private.
const PRIVATE_NAME: &str = "s";

/// The mode of every socket file: its user and group may connect (docs/guarantees.md#f11).
const SOCKET_MODE: Mode = Mode::from_bits_truncate(0o660);

/// A directory of mode 0700 beside the path. The socket is bound and gets its mode here, before anybody can reach it.
///
/// Its name is fixed, because the lock admits one process at a time; so the next claim finds and removes a directory
/// that a killed process left. Dropping the value removes the directory and its content.
#[derive(Debug)]
pub(crate) struct BindingDirectory<'a> {
    place: &'a Place,
    name: OsString,
    fd: OwnedFd,
}

impl<'a> BindingDirectory<'a> {
    /// Creates the directory; the caller holds the lock.
    pub(crate) fn make(place: &'a Place) -> Result<Self> {
        let name = place.sibling(".", ".bind");
        let made = match mkdirat(&place.directory, &name, Mode::RWXU) {
            Err(Errno::EXIST) => {
                drop(Self::open(place, name.clone()));
                mkdirat(&place.directory, &name, Mode::RWXU)
            }
            made => made,
        };
        made.and_then(|()| Self::open_made(place, &name)).map_err(|errno| {
            let path = place.path.with_file_name(&name);
            refusal(format!(
                "cannot create the temporary directory {}; if it exists, check its content and remove it",
                path.display()
            ))
            .with_source(io::Error::from(errno))
        })
    }

    /// Opens the directory just created. Removes it on failure: it must not stay without a descriptor.
    fn open_made(place: &'a Place, name: &OsString) -> Result<Self, Errno> {
        Self::open(place, name.clone()).inspect_err(|_| {
            let _ = unlinkat(&place.directory, name, AtFlags::REMOVEDIR);
        })
    }

    /// Opens a directory that belongs to this user and is private; fails on anything else of that name.
    fn open(place: &'a Place, name: OsString) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&place.directory, &name, flags, Mode::empty())?;
        let found = fstat(&fd)?;
        let open_to_others = Mode::from_raw_mode(found.st_mode).intersects(Mode::RWXG | Mode::RWXO);
        if found.st_uid != geteuid().as_raw() || open_to_others {
            return Err(Errno::EXIST);
        }
        Ok(Self { place, name, fd })
    }

    /// Binds a nonblocking listener of mode 0660 in this directory.
    ///
    /// The address goes through `/proc/self/fd`, so that only the final path counts against the limit of 107 bytes.
    pub(crate) fn bind(&self) -> Result<(UnixListener, FileId)> {
        let bound = UnixListener::bind(format!("/proc/self/fd/{}/{PRIVATE_NAME}", self.fd.as_raw_fd()))
            .and_then(|listener| {
                listener.set_nonblocking(true)?;
                chmodat(&self.fd, PRIVATE_NAME, SOCKET_MODE, AtFlags::empty())?;
                let found = statat(&self.fd, PRIVATE_NAME, AtFlags::SYMLINK_NOFOLLOW)?;
                Ok((listener, FileId::of(&found)))
            });
        bound.map_err(|error| self.failure("cannot create a socket for").with_source(error))
    }

    /// Moves the bound socket to the path; never replaces a file that appeared there in the meantime.
    pub(crate) fn publish(&self) -> Result<()> {
        let Place { directory, name, path } = self.place;
        let moved = match renameat_with(&self.fd, PRIVATE_NAME, directory, name, RenameFlags::NOREPLACE) {
            // File systems without this flag (NFS): rename(2).
            Err(Errno::INVAL) => renameat(&self.fd, PRIVATE_NAME, directory, name),
            moved => moved,
        };
        moved.map_err(|errno| match errno {
            Errno::EXIST => refusal(format!(
                "something else appeared at {} during the claim and was left in place; choose another path",
                path.display()
            )),
            errno => self.failure("cannot move the socket to").with_source(io::Error::from(errno)),
        })
    }

    fn failure(&self, what: &str) -> Error {
        refusal(format!("{what} {}; fix the cause, or choose a path elsewhere", self.place.path.display()))
    }
}

impl Drop for BindingDirectory<'_> {
    fn drop(&mut self) {
        let _ = unlinkat(&self.fd, PRIVATE_NAME, AtFlags::empty());
        let _ = unlinkat(&self.place.directory, &self.name, AtFlags::REMOVEDIR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_appears_at_the_path_during_the_claim_is_kept_and_the_claim_leaves_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("publisher.sock");
        let place = Place::open(&path).expect("a place");
        let room = BindingDirectory::make(&place).expect("a room");
        let _bound = room.bind().expect("a socket");
        std::fs::write(&path, "precious").expect("written");
        let error = room.publish().expect_err("something is there");
        assert!(error.to_string().contains("something else appeared at"), "{error}");
        drop(room);
        assert_eq!(std::fs::read(&path).expect("still there"), b"precious");
        assert_eq!(std::fs::read_dir(&directory).expect("a directory").count(), 1);
    }
    #[test]
    fn a_directory_that_was_created_but_cannot_be_used_is_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = Place::open(&directory.path().join("publisher.sock")).expect("a place");
        let name = OsString::from("open to others");
        mkdirat(&place.directory, &name, Mode::RWXU | Mode::RWXG).expect("made");
        BindingDirectory::open_made(&place, &name).expect_err("not private");
        assert_eq!(std::fs::read_dir(&directory).expect("a directory").count(), 0);
    }
}
