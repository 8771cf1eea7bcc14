use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use pubsub_api::{Error, Result};
use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt::socket_peercred,
};

use crate::holder::Holder;
use crate::place::{FileId, Place};
use crate::refusal::{refusal, type_name};

/// Removes the socket that a killed process left at `place`; returns an error if anything else is there.
///
/// The caller holds the lock, so no other Skimmer process binds here in the meantime.
pub(crate) fn remove_stale_socket(place: &Place) -> Result<()> {
    // An open handle on the file: the file that is checked is the one removed, and its inode cannot be reused meanwhile.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let occupant = match openat(&place.directory, &place.name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        opened => opened.map_err(|errno| unreadable(place, errno))?,
    };
    let found = fstat(&occupant).map_err(|errno| unreadable(place, errno))?;
    let path = place.path.display();
    match FileType::from_raw_mode(found.st_mode) {
        FileType::Socket => {}
        file_type => {
            return Err(refusal(format!(
                "{path} is {}, not a socket, and was left in place; move it away or choose another path",
                type_name(file_type)
            )));
        }
    }
    match user_of(&occupant) {
        Ok(None) => place.remove(FileId::of(&found)).map_err(|errno| {
            refusal(format!("cannot remove the dead socket {path}; remove it by hand")).with_source(io::Error::from(errno))
        }),
        Ok(Some(holder)) => Err(refusal(format!(
            "{path} is in use by {holder}, which does not hold Skimmer's lock; stop that process or choose another path"
        ))),
        Err(errno) => Err(refusal(format!(
            "cannot find out whether {path} is in use, so it was left in place; remove it if no process listens there"
        ))
        .with_source(io::Error::from(errno))),
    }
}

/// The process that has a socket bound to the file; `None` if the file is left over.
///
/// A stream connection finds a listener. If it is refused, a socket may still be bound that does not listen yet; a
/// datagram connection then fails with EPROTOTYPE, because the kernel compares types first (`unix_find_bsd`), and with
/// ECONNREFUSED only if no socket is bound.
fn user_of(file: &OwnedFd) -> Result<Option<Holder>, Errno> {
    match knock(file, SocketType::STREAM) {
        Ok(holder) => return Ok(Some(holder)),
        Err(Errno::CONNREFUSED) => {}
        // EAGAIN: a listener whose backlog is full.
        Err(Errno::PROTOTYPE | Errno::AGAIN) => return Ok(Some(Holder::Unseen)),
        Err(errno) => return Err(errno),
    }
    match knock(file, SocketType::DGRAM) {
        Err(Errno::CONNREFUSED) => Ok(None),
        Ok(_) | Err(Errno::PROTOTYPE) => Ok(Some(Holder::Unseen)),
        Err(errno) => Err(errno),
    }
}

/// Connects without waiting, and returns the process that called listen(2).
fn knock(file: &OwnedFd, socket_type: SocketType) -> Result<Holder, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, socket_type, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?)?;
    let pid = socket_peercred(&socket)?.pid.as_raw_pid();
    Ok(u32::try_from(pid).map_or(Holder::Unseen, Holder::of))
}

fn unreadable(place: &Place, errno: Errno) -> Error {
    refusal(format!("cannot find out what is at {}; choose another path", place.path.display()))
        .with_source(io::Error::from(errno))
}
