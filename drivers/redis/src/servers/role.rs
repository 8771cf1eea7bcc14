use std::fmt;

use super::info;

/// The role of a server, from its answer to ROLE or INFO replication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// It accepts writes, and its rows are authoritative.
    Master,
    /// It follows a master, and refuses writes.
    Replica {
        /// The master in the replica's notation: `host:port`.
        of: String,
        /// Whether it is synchronized.
        state: ReplicaState,
    },
    /// Sentinel, which monitors servers and has no rows.
    Sentinel,
}

/// Whether a replica is synchronized with its master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReplicaState {
    /// The link to the master is up, and the first synchronization is complete.
    Synced,
    /// It is not: its rows may be stale, incomplete or missing. The text is the server's, such as `connect`.
    NotSynced(String),
}

impl Role {
    /// Parses the answer to ROLE from its elements as text: numbers in digits, lists as anything. `None` if it is malformed.
    ///
    /// Source: the command's documentation. A replica's state is one of `connect`, `connecting`, `handshake`, `sync` and
    /// `connected`; only the last one is up to date.
    pub(crate) fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut words = words.into_iter();
        match words.next()? {
            "master" => Some(Self::Master),
            "sentinel" => Some(Self::Sentinel),
            "slave" | "replica" => {
                let (host, port, state) = (words.next()?, words.next()?, words.next()?);
                let state = if state == "connected" {
                    ReplicaState::Synced
                } else {
                    ReplicaState::NotSynced(state.to_owned())
                };
                Some(Self::Replica { of: format!("{host}:{port}"), state })
            }
            _ => None,
        }
    }

    /// Parses the text of INFO replication, for a user that may not call ROLE. `None` if it contains no role.
    pub(crate) fn from_info(text: &str) -> Option<Self> {
        match info::field(text, "role")? {
            "master" => Some(Self::Master),
            "sentinel" => Some(Self::Sentinel),
            "slave" | "replica" => {
                let field = |name| info::field(text, name).unwrap_or_default();
                let state = match (field("master_link_status"), field("master_sync_in_progress")) {
                    ("up", "0") => ReplicaState::Synced,
                    (_, "1") => ReplicaState::NotSynced("sync".to_owned()),
                    _ => ReplicaState::NotSynced("connect".to_owned()),
                };
                let of = format!("{}:{}", field("master_host"), field("master_port"));
                Some(Self::Replica { of, state })
            }
            _ => None,
        }
    }

    /// Whether its rows are those of the master, up to a short delay.
    pub(crate) fn is_current(&self) -> bool {
        matches!(self, Self::Master | Self::Replica { state: ReplicaState::Synced, .. })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master => f.write_str("a master"),
            Self::Replica { of, state: ReplicaState::Synced } => {
                write!(f, "a replica of {of} with its link up")
            }
            Self::Replica { of, state: ReplicaState::NotSynced(state) } => {
                write!(f, "a replica of {of} that is not synchronized (its link is in the state {state:?})")
            }
            Self::Sentinel => f.write_str("Sentinel"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ReplicaState, Role};

    fn replica(state: ReplicaState) -> Option<Role> {
        Some(Role::Replica { of: "127.0.0.1:9100".to_owned(), state })
    }

    fn not_synced(word: &str) -> Option<Role> {
        replica(ReplicaState::NotSynced(word.to_owned()))
    }

    #[test]
    fn the_roles_master_replica_and_sentinel_are_parsed() {
        assert_eq!(Role::from_words(["master", "3129659", ""]), Some(Role::Master));
        assert_eq!(Role::from_words(["sentinel", ""]), Some(Role::Sentinel));
        let role = |state| Role::from_words(["slave", "127.0.0.1", "9100", state, "14"]);
        assert_eq!(role("connected"), replica(ReplicaState::Synced));
        for state in ["none", "connect", "connecting", "handshake", "sync", "unknown", "new"] {
            assert_eq!(role(state), not_synced(state));
        }
        for bad in [&[][..], &["slave", "127.0.0.1"], &["OK"]] {
            assert_eq!(Role::from_words(bad.iter().copied()), None);
        }
    }

    #[test]
    fn info_replication_is_parsed_like_role() {
        let text = |link: &str, sync: &str| {
            format!(
                "# Replication\r\nrole:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:9100\r\n\
                 master_link_status:{link}\r\nmaster_sync_in_progress:{sync}\r\n"
            )
        };
        assert_eq!(Role::from_info("# Replication\r\nrole:master\r\n"), Some(Role::Master));
        assert_eq!(Role::from_info(&text("up", "0")), replica(ReplicaState::Synced));
        assert_eq!(Role::from_info(&text("down", "0")), not_synced("connect"));
        assert_eq!(Role::from_info(&text("down", "1")), not_synced("sync"));
        assert_eq!(Role::from_info("# Replication\r\n"), None);
    }

    #[test]
    fn only_masters_and_synchronized_replicas_are_current() {
        let is_current = |role: Option<Role>| role.unwrap().is_current();
        assert!(is_current(Some(Role::Master)) && is_current(replica(ReplicaState::Synced)));
        assert!(!is_current(Some(Role::Sentinel)) && !is_current(not_synced("sync")));
    }
}
