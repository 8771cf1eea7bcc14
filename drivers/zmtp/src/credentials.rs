//! Who is at the other end of a Unix socket, by the word of the kernel.

use std::fmt;

use rustix::process::geteuid;
use tokio::net::UnixStream;

use crate::Principal;

/// The process that connected, as it was then (SO_PEERCRED, unix(7)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// `None` for a process of another pid namespace, of which the kernel tells none.
    pid: Option<i32>,
    user: u32,
    group: u32,
}

/// Who may connect.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    named: Vec<Principal>,
    /// The group of the socket file.
    socket_group: u32,
}

impl Credentials {
    /// Of the peer of a connected socket.
    pub(crate) fn of(socket: &UnixStream) -> std::io::Result<Self> {
        let told = socket.peer_cred()?;
        Ok(Self { pid: told.pid().filter(|pid| *pid > 0), user: told.uid(), group: told.gid() })
    }

    fn is_in(&self, group: u32) -> bool {
        self.group == group || self.supplementary_groups().contains(&group)
    }

    /// The groups that SO_PEERCRED leaves out. SO_PEERGROUPS would tell them of the moment of connecting, but has no safe
    /// wrapper; so they are read of the process as it is now. Where it is hidden or gone it has none, and is refused
    /// rather than let in.
    fn supplementary_groups(&self) -> Vec<u32> {
        let Some(pid) = self.pid else { return Vec::new() };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap_or_default();
        line.split_whitespace().filter_map(|group| group.parse().ok()).collect()
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "pid {pid} ")?,
            None => f.write_str("a process of another pid namespace, ")?,
        }
        write!(f, "uid {} gid {}", self.user, self.group)
    }
}

impl Allowed {
    pub(crate) fn new(named: &[Principal], socket_group: u32) -> Self {
        Self { named: named.to_vec(), socket_group }
    }

    /// Whether these credentials may connect: those named; if none are, our own user, root, and the socket's group.
    pub(crate) fn allows(&self, peer: &Credentials) -> bool {
        if self.named.is_empty() {
            let own = geteuid().as_raw();
            return peer.user == own || peer.user == 0 || peer.is_in(self.socket_group);
        }
        self.named.iter().any(|named| match *named {
            Principal::User(user) => peer.user == user,
            Principal::Group(group) => peer.is_in(group),
        })
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{getegid, geteuid, getgroups};

    use super::{Allowed, Credentials};
    use crate::Principal;

    fn me() -> Credentials {
        let (one, _other) = tokio::net::UnixStream::pair().unwrap();
        Credentials::of(&one).unwrap()
    }

    const NOBODY: u32 = 4_000_000_000;

    #[tokio::test]
    async fn a_peer_is_known_by_its_process_user_and_groups() {
        let me = me();
        assert_eq!(me.pid, i32::try_from(std::process::id()).ok());
        assert_eq!((me.user, me.group), (geteuid().as_raw(), getegid().as_raw()));
        for group in getgroups().unwrap() {
            assert!(me.is_in(group.as_raw()));
        }
        assert!(!me.is_in(NOBODY));
    }

    #[tokio::test]
    async fn without_names_ones_own_user_root_and_the_sockets_group_may_connect() {
        let allowed = Allowed::new(&[], 42);
        assert!(allowed.allows(&me()));
        let other = |user, group| Credentials { pid: Some(i32::MAX), user, group };
        assert!(allowed.allows(&other(0, 7)));
        assert!(allowed.allows(&other(NOBODY, 42)));
        assert!(!allowed.allows(&other(NOBODY, 43)));
    }

    #[test]
    fn names_replace_the_default() {
        let allowed = Allowed::new(&[Principal::User(7), Principal::Group(8)], 42);
        let other = |user, group| Credentials { pid: Some(i32::MAX), user, group };
        assert!(allowed.allows(&other(7, 1)));
        assert!(allowed.allows(&other(1, 8)));
        assert!(!allowed.allows(&other(0, 42)));
    }
}
