use std::sync::Arc;

use delivery::{BrokerOptions, BrokerPublisher, Identity, PublisherOptions, StampedPublisher};
use pubsub_api::settings::Settings;
use pubsub_api::{Publisher, Result, Status};

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
    ///
    /// # Errors
    /// As [`PublisherOptions::of`].
    pub(crate) fn of(
        identity: Option<Identity>,
        driver: &Arc<dyn Publisher>,
        settings: &Settings,
        rows: Option<SharedReading>,
    ) -> Result<Self> {
        let driver = Arc::clone(driver);
        let Some(identity) = identity else {
            let options = BrokerOptions::of(settings);
            return Ok(Self::Broker(Arc::new(BrokerPublisher::new(driver, options))));
        };
        let options = PublisherOptions::of(settings)?;
        let publisher = StampedPublisher::identified(driver, identity, options);
        Ok(Self::Bound(Arc::new(match rows {
            Some(rows) => publisher.with_rows(Arc::new(rows)),
            None => publisher,
        })))
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
