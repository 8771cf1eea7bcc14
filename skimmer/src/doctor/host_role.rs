use clap::ValueEnum;

/// What a host does, by which the checks are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HostRole {
    /// It runs `publisher-service`
    Service,
    /// It runs `subscriber-agent`
    Agent,
    /// It runs API workers, which publish through the service of the host
    Worker,
}

impl HostRole {
    /// All of them.
    pub(super) const ALL: &[Self] = &[Self::Service, Self::Agent, Self::Worker];

    /// The program of the role, if it has one of its own.
    pub(super) fn program(self) -> Option<&'static str> {
        match self {
            Self::Service => Some("publisher-service"),
            Self::Agent => Some("subscriber-agent"),
            Self::Worker => None,
        }
    }

    /// The files in `state_dir` that only the program of this role makes.
    pub(super) fn traces(self) -> &'static [&'static str] {
        match self {
            Self::Service => &["publisher-service.status", "publisher-service.status.lock", "publisher-id"],
            Self::Agent => &["subscriber-agent.status", "subscriber-agent.status.lock", "agent-table"],
            Self::Worker => &[],
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Agent => "agent",
            Self::Worker => "worker",
        }
    }
}
