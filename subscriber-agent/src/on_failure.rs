use subscriber_agent_settings::{AgentSettings, FailurePolicy};

/// What follows when a handler fails on an event, besides that it is counted and told (docs/guarantees.md#f47).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The next event.
    Skip,
    /// The same event so often again, with pauses; then the next one.
    Retry(u32),
    /// The next event; and all rows of that table again, at most once a minute.
    #[default]
    Resync,
    /// The agent ends with an error.
    Stop,
}

impl OnFailure {
    /// As the settings say: `agent.on_failure` and `agent.handler_retries`.
    #[must_use]
    pub fn of(settings: &AgentSettings) -> Self {
        match settings.on_failure {
            FailurePolicy::Skip => Self::Skip,
            FailurePolicy::Retry => Self::Retry(settings.handler_retries),
            FailurePolicy::Resync => Self::Resync,
            FailurePolicy::Stop => Self::Stop,
        }
    }

    pub(crate) fn retries(self) -> u32 {
        match self {
            Self::Retry(times) => times,
            Self::Skip | Self::Resync | Self::Stop => 0,
        }
    }
}
