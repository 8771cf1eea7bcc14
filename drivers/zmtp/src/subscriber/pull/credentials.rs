//! The process at the other end of a Unix socket, as the kernel reports it.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use pubsub_api::{Posture, Verdict};
use rustix::process::geteuid;
use tokio::net::UnixStream;

use crate::Principal;

/// The process that connected, as it was then (SO_PEERCRED, unix(7)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// `None` for a process of another pid namespace, for which the kernel has no number.
    pid: Option<i32>,
    user: u32,
    group: u32,
    /// The groups that SO_PEERCRED leaves out. SO_PEERGROUPS has them, but no safe wrapper; so they are read from
    /// `/proc/PID/status`. `None` where that is hidden (`hidepid`, systemd's `ProtectProc=`) or gone.
    other_groups: Option<Vec<u32>>,
}

/// The socket file through which a process connected.
///
/// connect(2) wants write permission for the file. If others have none, then a process that connected and is neither the
/// owner nor root is in the file's group: the kernel has looked at all groups of it, also where we cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SocketFile {
    owner: u32,
    group: u32,
    is_open_to_others: bool,
}

/// The processes that may connect.
#[derive(Debug, Clone)]
pub(crate) struct Allowed(Vec<Principal>);

/// Why a process may not connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Neither its user nor one of its groups is allowed.
    NotAllowed,
    /// Its user is not allowed, and its groups are hidden.
    GroupsHidden,
}

impl Credentials {
    /// Of the peer of a connected socket.
    pub(crate) fn of(socket: &UnixStream) -> std::io::Result<Self> {
        let peer = socket.peer_cred()?;
        let pid = peer.pid().filter(|pid| *pid > 0);
        Ok(Self { pid, user: peer.uid(), group: peer.gid(), other_groups: pid.and_then(groups_of) })
    }

    /// Whether it is this user, or in this group; `None` if that cannot be known.
    pub(crate) fn is(&self, principal: Principal, socket: Option<SocketFile>) -> Option<bool> {
        match principal {
            Principal::User(user) => Some(self.user == user),
            Principal::Group(group) => self.is_in(group, socket),
        }
    }

    /// Whether it is in a group; `None` if that cannot be known.
    fn is_in(&self, group: u32, socket: Option<SocketFile>) -> Option<bool> {
        if self.group == group {
            return Some(true);
        }
        match &self.other_groups {
            Some(groups) => Some(groups.contains(&group)),
            None => socket.filter(|socket| socket.proves(group, self.user)).map(|_| true),
        }
    }
}

fn groups_of(pid: i32) -> Option<Vec<u32>> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Groups:"))?;
    Some(line.split_whitespace().filter_map(|group| group.parse().ok()).collect())
}

impl SocketFile {
    /// As it is now; `None` if there is none.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        const WRITE_BY_OTHERS: u32 = 0o002;
        let file = std::fs::symlink_metadata(path).ok()?;
        let is_open_to_others = file.mode() & WRITE_BY_OTHERS != 0;
        Some(Self { owner: file.uid(), group: file.gid(), is_open_to_others })
    }

    /// Whether having connected proves that a process of `user` is in `group`.
    fn proves(self, group: u32, user: u32) -> bool {
        group == self.group && !self.is_open_to_others && user != self.owner && user != 0
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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => {
                "may not publish: put its user into the group of the socket, or name it in drivers.zmtp.ipc_allow \
                 (uid:N or gid:N)"
            }
            Self::GroupsHidden => {
                "may not publish: its user is not named, and its groups are hidden from this service (hidepid, \
                 ProtectProc=). Name its user in drivers.zmtp.ipc_allow (uid:N), or the group of the socket"
            }
        })
    }
}

impl Allowed {
    pub(crate) fn new(named: &[Principal]) -> Self {
        Self(named.to_vec())
    }

    /// Who may connect.
    pub(crate) fn posture(&self) -> Posture {
        let state = if self.0.is_empty() {
            "the user of the service, root, and the group of the socket may connect".to_owned()
        } else {
            format!("{} users and groups of ipc_allow may connect", self.0.len())
        };
        Posture::new("workers", Verdict::Good, state)
    }

    /// Whether these credentials may connect through this socket: those named; if none are, our own user, root, and the
    /// socket's group.
    ///
    /// # Errors
    /// Why they may not.
    pub(crate) fn check(&self, peer: &Credentials, socket: Option<SocketFile>) -> Result<(), Refusal> {
        let answers: Vec<Option<bool>> = if self.0.is_empty() {
            let own = geteuid().as_raw();
            let is_user = Some(peer.user == own || peer.user == 0);
            let in_group = socket.and_then(|file| peer.is_in(file.group, socket));
            vec![is_user, in_group]
        } else {
            self.0.iter().map(|named| peer.is(*named, socket)).collect()
        };
        if answers.contains(&Some(true)) {
            return Ok(());
        }
        Err(if answers.contains(&None) { Refusal::GroupsHidden } else { Refusal::NotAllowed })
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{getegid, geteuid, getgroups};

    use super::{Allowed, Credentials, Refusal, SocketFile};
    use crate::Principal;

    fn me() -> Credentials {
        let (one, _other) = tokio::net::UnixStream::pair().unwrap();
        Credentials::of(&one).unwrap()
    }

    const NOBODY: u32 = 4_000_000_000;
    const OWNER: u32 = 4_000_000_001;

    /// As the service makes it: mode 0660.
    const SOCKET: Option<SocketFile> = Some(SocketFile { owner: OWNER, group: 42, is_open_to_others: false });
    const OPEN: Option<SocketFile> = Some(SocketFile { owner: OWNER, group: 42, is_open_to_others: true });

    fn with_groups(user: u32, group: u32, others: &[u32]) -> Credentials {
        Credentials { pid: Some(i32::MAX), user, group, other_groups: Some(others.to_vec()) }
    }

    fn hidden(user: u32, group: u32) -> Credentials {
        Credentials { pid: Some(i32::MAX), user, group, other_groups: None }
    }

    #[tokio::test]
    async fn a_peer_is_known_by_its_process_user_and_groups() {
        let me = me();
        assert_eq!(me.pid, i32::try_from(std::process::id()).ok());
        assert_eq!((me.user, me.group), (geteuid().as_raw(), getegid().as_raw()));
        for group in getgroups().unwrap() {
            assert_eq!(me.is_in(group.as_raw(), None), Some(true));
        }
        assert_eq!(me.is_in(NOBODY, None), Some(false));
    }

    #[tokio::test]
    async fn without_names_ones_own_user_root_and_the_sockets_group_may_connect() {
        let allowed = Allowed::new(&[]);
        assert_eq!(allowed.check(&me(), SOCKET), Ok(()));
        assert_eq!(allowed.check(&with_groups(0, 7, &[]), SOCKET), Ok(()));
        assert_eq!(allowed.check(&with_groups(NOBODY, 42, &[]), SOCKET), Ok(()));
        assert_eq!(allowed.check(&with_groups(NOBODY, 7, &[42]), SOCKET), Ok(()));
        assert_eq!(allowed.check(&with_groups(NOBODY, 43, &[7]), SOCKET), Err(Refusal::NotAllowed));
    }

    #[test]
    fn where_groups_are_hidden_the_mode_of_the_socket_decides() {
        let allowed = Allowed::new(&[]);
        assert_eq!(allowed.check(&hidden(NOBODY, 7), SOCKET), Ok(()), "the kernel let it through");
        assert_eq!(allowed.check(&hidden(NOBODY, 7), OPEN), Err(Refusal::GroupsHidden));
        assert_eq!(allowed.check(&hidden(NOBODY, 7), None), Err(Refusal::GroupsHidden));
        assert_eq!(allowed.check(&hidden(NOBODY, 42), OPEN), Ok(()), "its first group is never hidden");
    }

    #[test]
    fn names_replace_the_default() {
        let allowed = Allowed::new(&[Principal::User(7), Principal::Group(8)]);
        assert_eq!(allowed.check(&with_groups(7, 1, &[]), SOCKET), Ok(()));
        assert_eq!(allowed.check(&with_groups(1, 8, &[]), SOCKET), Ok(()));
        assert_eq!(allowed.check(&with_groups(0, 42, &[]), SOCKET), Err(Refusal::NotAllowed));
        assert_eq!(allowed.check(&hidden(1, 42), SOCKET), Err(Refusal::GroupsHidden));
        let allowed = Allowed::new(&[Principal::Group(42)]);
        assert_eq!(
            allowed.check(&hidden(1, 1), SOCKET),
            Ok(()),
            "the socket's group is proved by connecting"
        );
        assert_eq!(
            allowed.check(&hidden(OWNER, 1), SOCKET),
            Err(Refusal::GroupsHidden),
            "the owner proves nothing"
        );
    }
}
