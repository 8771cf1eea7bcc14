use std::time::Duration;

/// When a [`PollingService`](crate::PollingService) polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollingOptions {
    /// The pause between two polls. Default: 10 s, as in Congress.
    pub interval: Duration,
    /// Polls only while a node subscribes to one of the tables. A subscriber gets the rows of the last poll at once, if there
    /// was one, and the current ones as soon as they are polled. Default: no.
    pub lazy: bool,
}

impl Default for PollingOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), lazy: false }
    }
}
