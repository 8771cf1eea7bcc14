use std::sync::Arc;

use delivery::{BrokerOptions, BrokerPublisher, Identity, PublisherOptions, StampedPublisher};
use operations::ReadinessCheck;
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

    /// Whether events can be numbered, and whether the driver has its address or its connection.
    pub(crate) fn checks(&self, driver: &dyn Publisher) -> Vec<ReadinessCheck> {
        match self {
            Self::Bound(publisher) => vec![ring(publisher), bound(driver)],
            Self::Broker(_) => vec![connected(driver)],
        }
    }

    /// As [`delivery_status`](Self::delivery_status), without a lock that events wait for where the service carries them.
    pub(crate) fn delivery_metrics(&self) -> Status {
        match self {
            Self::Bound(publisher) => publisher.delivery_metrics(),
            Self::Broker(publisher) => publisher.delivery_status(),
        }
    }

    pub(crate) fn delivery_status(&self) -> Status {
        match self {
            Self::Bound(publisher) => publisher.delivery_status(),
            Self::Broker(publisher) => publisher.delivery_status(),
        }
    }
}

fn ring(publisher: &StampedPublisher) -> ReadinessCheck {
    match publisher.publisher_epoch() {
        Some(of) => ReadinessCheck::met("ring", format!("it is open, in epoch {}", of.epoch)),
        None => ReadinessCheck::failed("ring", "it is not open"),
    }
}

fn bound(driver: &dyn Publisher) -> ReadinessCheck {
    match driver.endpoint() {
        Some(endpoint) => ReadinessCheck::met("network", format!("agents can connect to {endpoint}")),
        None => ReadinessCheck::failed("network", "no address is bound"),
    }
}

fn connected(driver: &dyn Publisher) -> ReadinessCheck {
    let peers = driver.status().peers;
    match peers.iter().find(|peer| peer.state != "up") {
        None if peers.is_empty() => {
            ReadinessCheck::met("network", "it connects to the broker at its first event")
        }
        None => ReadinessCheck::met("network", "the broker is connected"),
        Some(peer) => ReadinessCheck::failed("network", format!("{} is {}", peer.endpoint, peer.state)),
    }
}
