use std::sync::Arc;

use delivery::{BrokerOptions, BrokerPublisher, Identity, PublisherOptions, StampedPublisher};
use pubsub_api::settings::Settings;
use pubsub_api::{Publisher, Status};

use crate::shared_reading::SharedReading;

/// By what the service publishes.
#[derive(Debug, Clone)]
pub(crate) enum Network {
    /// It is the publisher that agents connect to.
    Bound(Arc<StampedPublisher>),
    /// It is one of many at a broker.
    Broker(Arc<BrokerPublisher>),
}

impl Network {
    /// With an identity a publisher that is bound, without one a publisher at a broker.
    pub(crate) fn of(
        identity: Option<Identity>,
        driver: &Arc<dyn Publisher>,
        settings: &Settings,
        rows: Option<SharedReading>,
    ) -> Self {
        let driver = Arc::clone(driver);
        let Some(identity) = identity else {
            return Self::Broker(Arc::new(BrokerPublisher::new(driver, BrokerOptions::of(settings))));
        };
        let options = PublisherOptions::of(settings);
        let publisher = StampedPublisher::identified(driver, identity, options);
        Self::Bound(Arc::new(match rows {
            Some(rows) => publisher.with_rows(Arc::new(rows)),
            None => publisher,
        }))
    }

    pub(crate) fn publisher(&self) -> Arc<dyn Publisher> {
        match self {
            Self::Bound(publisher) => Arc::<StampedPublisher>::clone(publisher),
            Self::Broker(publisher) => Arc::<BrokerPublisher>::clone(publisher),
        }
    }

    pub(crate) fn delivery_status(&self) -> Status {
        match self {
            Self::Bound(publisher) => publisher.delivery_status(),
            Self::Broker(publisher) => publisher.delivery_status(),
        }
    }
}
