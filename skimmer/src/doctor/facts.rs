//! What is found out about a host and its peers: plain values, which the checks judge. Each is read once, within a deadline.

mod agents_fact;
mod database_fact;
mod gather;
mod host_fact;
mod network_probe;
mod program_fact;
mod publisher_fact;
mod publisher_probe;
mod readiness_probe;
mod settings_fact;
mod socket_fact;

use std::time::Duration;

pub(super) use agents_fact::AgentsFact;
pub(super) use database_fact::{DatabaseFact, DirectoryFact};
pub(super) use gather::gather;
pub(super) use host_fact::{FolderFact, HostFact};
#[cfg(test)]
pub(super) use program_fact::Descriptors;
pub(super) use program_fact::{ProgramFact, ProgramState};
pub(super) use publisher_fact::{Greeted, HelloFact, PublisherFact, Requested};
pub(super) use settings_fact::SettingsFact;
pub(super) use socket_fact::{SocketFact, SocketState};

use super::host_role::HostRole;

/// All that is known.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) roles: Vec<HostRole>,
    /// Since 1970, by the clock of this host.
    pub(super) now: Duration,
    pub(super) settings: SettingsFact,
    pub(super) state_dir: FolderFact,
    pub(super) host: HostFact,
    /// The programs of the roles, and others whose sockets are in `state_dir`.
    pub(super) programs: Vec<ProgramFact>,
    /// The socket of workers; `None` if the settings do not use one.
    pub(super) worker_socket: Option<SocketFact>,
    /// The agents of this host's service; `None` if none runs here.
    pub(super) agents: Option<AgentsFact>,
    pub(super) database: DatabaseFact,
    pub(super) publishers: Vec<PublisherFact>,
    /// The broker's driver, with a broker: whether it subscribed.
    pub(super) broker: Option<Result<(), String>>,
}

impl Facts {
    pub(super) fn has_role(&self, role: HostRole) -> bool {
        self.roles.contains(&role)
    }

    /// The program of a role, if it is to be on this host.
    pub(super) fn program(&self, role: HostRole) -> Option<&ProgramFact> {
        let name = role.program()?;
        self.programs.iter().find(|program| program.name == name)
    }

    /// The directory, if it could be read.
    pub(super) fn directory(&self) -> Option<&DirectoryFact> {
        match &self.database {
            DatabaseFact::Read(directory) => Some(directory),
            DatabaseFact::NotUsed | DatabaseFact::Unavailable(_) => None,
        }
    }
}
