use std::cmp::Ordering;

use delivery::AgentReading;

/// By what agents are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SortKey {
    /// How long they are behind.
    #[default]
    Behind,
    /// The number of events that they are behind.
    Lag,
    /// The time since their last report.
    Reported,
    Name,
}

impl SortKey {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Behind => Self::Lag,
            Self::Lag => Self::Reported,
            Self::Reported => Self::Name,
            Self::Name => Self::Behind,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Lag => "lag",
            Self::Reported => "reported",
            Self::Name => "name",
        }
    }

    /// The order of two agents: silent ones first, then the slowest; by name, only the name counts.
    pub(super) fn compare(self, one: &AgentReading, other: &AgentReading) -> Ordering {
        let worst = |agent: &AgentReading| {
            let is_silent = !agent.is_reporting();
            match self {
                Self::Behind => (is_silent, agent.behind_seconds(), agent.lag_events),
                Self::Lag => (is_silent, agent.lag_events, agent.behind_seconds()),
                Self::Reported => (is_silent, agent.report_age_seconds, 0),
                Self::Name => (false, 0, 0),
            }
        };
        worst(other).cmp(&worst(one)).then_with(|| one.name.cmp(&other.name))
    }
}
