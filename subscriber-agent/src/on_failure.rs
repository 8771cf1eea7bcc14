use pubsub_api::settings;

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
    pub fn of(settings: &settings::Agent) -> Self {
        match settings.on_failure.as_str() {
            "skip" => Self::Skip,
            "retry" => Self::Retry(settings.handler_retries),
            "stop" => Self::Stop,
            // The only word that is left.
            _ => Self::Resync,
        }
    }

    pub(crate) fn retries(self) -> u32 {
        match self {
            Self::Retry(times) => times,
            Self::Skip | Self::Resync | Self::Stop => 0,
        }
    }
}
