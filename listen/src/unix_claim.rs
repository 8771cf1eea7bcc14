use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use pubsub_api::Result;
use rustix::fs::{AtFlags, CWD, statat};

use crate::binding_directory::BindingDirectory;
use crate::directory::check_directory;
use crate::lock::Lock;
use crate::occupant::remove_stale_socket;
use crate::path::check_path;
use crate::place::{FileId, Place};
use crate::refusal::refusal;

/// A Unix socket file that only this process listens on, until the claim is released or dropped.
///
/// 1. The claiming process holds an exclusive flock(2) on `<path>.lock`. The kernel frees it when the process ends, even
///    by kill -9; the lock file itself is never deleted, not even after a refused claim.
/// 2. Under the lock, a socket file at the path to which no socket is bound is left over, and is removed. A socket in
///    use by a process without our lock, and every other kind of file, causes an error and stays in place.
/// 3. The socket has mode 0660 from the moment it can be reached, whatever the umask: it is bound in a directory of
///    mode 0700, `.<name>.bind` beside the path, and moved to the path, never over another file.
/// 4. A release removes the file at the path only if it is still ours, and frees the lock after that.
/// 5. A failed claim leaves only the lock file.
///
/// The claim does not protect against a process that ignores the lock. If such a process removes a left-over socket and
/// binds its own in the microseconds between our check of the file and our removal, it loses its socket file. If it
/// binds over ours, it deletes our file first; [`is_in_place`](Self::is_in_place) detects that.
///
/// The kernel shows the name by which the socket was bound, `/proc/self/fd/N/s`, in `ss -x` and as the listener's own
/// address; use the [`path`](Self::path) of the claim in logs.
#[derive(Debug)]
pub struct UnixClaim {
    // Fields are dropped in this order. The open listener prevents the reuse of the file's inode, and the lock is freed
    // last.
    listener: UnixListener,
    file: FileId,
    place: Place,
    _lock: Lock,
}

/// Checks that [`UnixClaim::bind`] can claim the path now, without claiming it. A dead socket stays in place.
///
/// # Errors
///
/// As [`UnixClaim::bind`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("publisher.sock");
/// listen::check_unix(&path)?;
/// let claim = listen::UnixClaim::bind(&path)?;
/// assert!(listen::check_unix(&path).is_err(), "this process holds it");
/// claim.release()?;
/// listen::check_unix(&path)?;
/// # Ok(())
/// # }
/// ```
pub fn check_unix(path: &Path) -> Result<()> {
    check_path(path)?;
    check_directory(path)?;
    let is_socket = |found: std::fs::Metadata| found.file_type().is_socket();
    let is_dead =
        std::fs::symlink_metadata(path).map_or(true, is_socket) && UnixStream::connect(path).is_err();
    if is_dead {
        return Ok(());
    }
    let place = Place::open(path)?;
    let _lock = Lock::acquire(&place)?;
    remove_stale_socket(&place)
}

impl UnixClaim {
    /// Claims `path` and listens there.
    ///
    /// It never waits for a listener to answer. A path that is in use is refused at once, or after half a second if the
    /// holder is not visible from here.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) if the path fails [`check_path`].
    /// - [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable) if the directory fails [`check_directory`], if
    ///   the path `is in use by pid N (command)`, if something other than a dead socket is there (the text names its
    ///   type), or if the lock file or the socket cannot be created.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("publisher.sock");
    /// let claim = listen::UnixClaim::bind(&path)?;
    /// let worker = std::os::unix::net::UnixStream::connect(&path)?;
    /// let (publisher, _) = claim.listener()?.accept()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind(path: &Path) -> Result<Self> {
        check_path(path)?;
        check_directory(path)?;
        let place = Place::open(path)?;
        let lock = Lock::acquire(&place)?;
        remove_stale_socket(&place)?;
        let directory = BindingDirectory::make(&place)?;
        let (listener, file) = directory.bind()?;
        directory.publish()?;
        drop(directory);
        Ok(Self { listener, file, place, _lock: lock })
    }

    /// Another handle on the listening socket, nonblocking. It keeps listening after a release until it is dropped, but
    /// clients cannot find it then.
    ///
    /// # Errors
    ///
    /// The error of fcntl(2), if the process has no free descriptor.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }

    /// The path as given to [`bind`](Self::bind).
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// Whether the path still leads to our socket: false after the file or its directory was deleted or replaced, so that
    /// new clients cannot reach us (docs/guarantees.md#f12). In that case release the claim and bind again.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("publisher.sock");
    /// let claim = listen::UnixClaim::bind(&path)?;
    /// assert!(claim.is_in_place());
    /// std::fs::remove_file(&path)?;
    /// assert!(!claim.is_in_place(), "clients do not find the socket any more");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        statat(CWD, &self.place.path, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|found| FileId::of(&found) == self.file)
    }

    /// Removes the socket file if it is still ours, and then frees the lock. Dropping does the same and ignores errors.
    ///
    /// Connections that were accepted before stay open.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable) if the file could not be removed; the claim ends
    /// nevertheless, and the next claim removes the file.
    pub fn release(self) -> Result<()> {
        self.place.remove(self.file).map_err(|errno| {
            let path = self.place.path.display();
            refusal(format!("cannot remove the socket {path}; the next start removes it"))
                .with_source(io::Error::from(errno))
        })
    }
}

impl Drop for UnixClaim {
    fn drop(&mut self) {
        let _ = self.place.remove(self.file);
    }
}
