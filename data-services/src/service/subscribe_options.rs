use std::time::Duration;

use crate::SubscriptionId;

/// How a subscription delivers.
#[derive(Debug, Clone, Default)]
pub struct SubscribeOptions {
    /// The id; by default a random one.
    pub id: Option<SubscriptionId>,
    /// Delivers the whole table at this interval, if it has changed, instead of each change (a *pull* subscription).
    pub interval: Option<Duration>,
}

impl SubscribeOptions {
    /// A pull subscription.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        Self { id: None, interval: Some(interval) }
    }
}
