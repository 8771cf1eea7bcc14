use std::sync::Arc;

use crate::{PubSubApi, Publisher, Subscriber};

/// The [`PubSubApi`] of a driver that makes both ends when it is opened, and returns the same ones at each call.
///
/// ```
/// use std::sync::Arc;
///
/// use pubsub_api::{PubSubApi, PubSubEnds, Publisher, Subscriber};
///
/// fn opened(publisher: impl Publisher + 'static, subscriber: impl Subscriber + 'static) -> Arc<dyn PubSubApi> {
///     Arc::new(PubSubEnds::new(publisher, subscriber))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct PubSubEnds {
    publisher: Arc<dyn Publisher>,
    subscriber: Arc<dyn Subscriber>,
}

impl PubSubEnds {
    /// Joins the two ends of one driver.
    #[must_use]
    pub fn new(publisher: impl Publisher + 'static, subscriber: impl Subscriber + 'static) -> Self {
        Self { publisher: Arc::new(publisher), subscriber: Arc::new(subscriber) }
    }
}

impl PubSubApi for PubSubEnds {
    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::clone(&self.publisher)
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::clone(&self.subscriber)
    }
}
