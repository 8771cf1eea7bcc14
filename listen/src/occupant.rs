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

/// Removes the socket that a killed process left at `place`, and refuses for everything else that stands there.
///
/// The caller holds the lock, so nobody of our kind binds here meanwhile.
pub(crate) fn remove_stale_socket(place: &Place) -> Result<()> {
    // A handle on the file itself: what is judged is what is removed, and its number cannot be given out meanwhile.
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
                "{path} is {}, not a socket, and is left as it is; move it away or choose another path",
                type_name(file_type)
            )));
        }
    }
    match user_of(&occupant) {
        Ok(None) => place.remove(FileId::of(&found)).map_err(|errno| {
            refusal(format!("the dead socket {path} cannot be removed; remove it by hand")).with_source(io::Error::from(errno))
        }),
        Ok(Some(holder)) => Err(refusal(format!(
            "{path} is in use by {holder}, which does not hold Skimmer's lock; stop that process or choose another path"
        ))),
        Err(errno) => Err(refusal(format!(
            "whether {path} is in use cannot be told, so it is left as it is; remove it if nobody listens there"
        ))
        .with_source(io::Error::from(errno))),
    }
}

/// Who has a socket bound to the file; none if it is left over.
///
/// A stream connection finds the listener. Refused, it may still have met a socket that is bound and does not listen
/// yet; a datagram connection then fails with EPROTOTYPE, because the kernel compares types before it looks further
/// (`unix_find_bsd`), and with ECONNREFUSED only where no socket at all is bound.
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

/// Connects without waiting, and names the process that called listen(2).
fn knock(file: &OwnedFd, socket_type: SocketType) -> Result<Holder, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, socket_type, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?)?;
    let pid = socket_peercred(&socket)?.pid.as_raw_pid();
    Ok(u32::try_from(pid).map_or(Holder::Unseen, Holder::of))
}

fn unreadable(place: &Place, errno: Errno) -> Error {
    refusal(format!("what is at {} cannot be told; choose another path", place.path.display()))
        .with_source(io::Error::from(errno))
}
