use subscriber_agent_settings::{AgentSettings, FailurePolicy};

/// The policy for the failure of a handler on an event. Every failure is also counted and reported (docs/guarantees.md#f47).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Continues with the next event.
    Skip,
    /// Retries the event this number of times, 0.1 s to 5 s apart; then continues with the next event. The other events
    /// of the handler wait meanwhile.
    Retry(u32),
    /// Continues with the next event, and sends all rows of the table again, at most once a minute.
    #[default]
    Resync,
    /// Ends the agent with an error.
    Stop,
}

impl OnFailure {
    /// The policy from the settings `agent.on_failure` and `agent.handler_retries`.
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
