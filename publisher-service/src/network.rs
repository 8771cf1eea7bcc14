use std::sync::Arc;

use delivery::{BrokerOptions, BrokerPublisher, Identity, PublisherOptions, StampedPublisher};
use pubsub_api::settings::Settings;
use pubsub_api::{Publisher, Result, Status};
use sealing::SealingOptions;

use crate::shared_reading::SharedReading;

/// The publisher that the service uses for the network.
#[derive(Debug, Clone)]
pub(crate) enum Network {
    /// Agents connect to this service.
    Bound(Arc<StampedPublisher>),
    /// The service is one of many publishers of a broker.
    Broker(Arc<BrokerPublisher>),
}

impl Network {
    /// A bound publisher if there is an identity, otherwise a publisher of a broker.
    ///
    /// # Errors
    /// As [`PublisherOptions::of`] and [`SealingOptions::of`].
    pub(crate) fn of(
        identity: Option<Identity>,
        driver: &Arc<dyn Publisher>,
        settings: &Settings,
        rows: Option<SharedReading>,
    ) -> Result<Self> {
        let (driver, sealing) = (Arc::clone(driver), SealingOptions::of(settings)?);
        let Some(identity) = identity else {
            let options = BrokerOptions::of(settings);
            return Ok(Self::Broker(Arc::new(BrokerPublisher::new(driver, options).with_sealing(sealing))));
        };
        let options = PublisherOptions::of(settings)?;
        let publisher = StampedPublisher::identified(driver, identity, options).with_sealing(sealing);
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
