use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use delivery::{PublisherOptions, StampedPublisher, publisher_id};
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Publisher, Registry, Result, Role, Status, Subscriber};
use tokio::task::JoinHandle;

use crate::Forwarder;

/// A publisher service within this process: bound and forwarding until [`drain`](Self::drain).
#[derive(Debug)]
pub struct PublisherService {
    ipc: Arc<dyn Subscriber>,
    /// The driver's own, for its status.
    driver: Arc<dyn Publisher>,
    network: Arc<StampedPublisher>,
    forwarder: Arc<Forwarder>,
    forwarding: JoinHandle<()>,
}

/// For how long nothing must come before a draining service takes the workers for silent.
const IDLE: Duration = Duration::from_millis(100);

impl PublisherService {
    /// Binds both addresses and begins to forward. The network is bound first: what workers send can be published.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for unknown aliases, settings that a driver refuses, and if there is nothing to do:
    /// without `pub_sub_use_multiproc`, or with a broker, the workers publish themselves.
    /// [`ErrorKind::Unavailable`] if an address is taken, or another process has the ring in `state_dir`.
    pub async fn start(registry: &Registry, settings: &Settings) -> Result<Self> {
        check_that_there_is_work(registry, settings)?;
        let driver = registry.open(settings, Role::Network)?.publisher();
        let ipc = registry.open(settings, Role::Multiproc)?.subscriber();
        let options = PublisherOptions::of(settings);
        let network = StampedPublisher::new(Arc::clone(&driver), publisher_id(settings), options);
        let network = Arc::new(network);
        network.initialize().await?;
        ipc.initialize().await?;
        let forwarder = Arc::new(Forwarder::new(Arc::clone(&ipc), Arc::clone(&network)));
        let forwarding = tokio::spawn(Arc::clone(&forwarder).supervise());
        Ok(Self { ipc, driver, network, forwarder, forwarding })
    }

    /// The identity that hellos carry.
    #[must_use]
    pub fn publisher_id(&self) -> &str {
        self.network.publisher_id()
    }

    /// Where agents connect to.
    #[must_use]
    pub fn network_endpoint(&self) -> Option<String> {
        self.network.endpoint()
    }

    /// Where workers connect to.
    #[must_use]
    pub fn ipc_endpoint(&self) -> Option<String> {
        self.ipc.endpoint()
    }

    /// A view of the status that outlives the service.
    pub fn status_reader(&self) -> impl Fn() -> BTreeMap<String, Status> + Send + Sync + 'static {
        let (ipc, driver) = (Arc::clone(&self.ipc), Arc::clone(&self.driver));
        let delivery = Arc::clone(&self.network);
        let forwarder = Arc::clone(&self.forwarder);
        move || {
            BTreeMap::from([
                ("service".to_owned(), forwarder.status()),
                ("ipc".to_owned(), ipc.status()),
                ("delivery".to_owned(), delivery.delivery_status()),
                ("network".to_owned(), driver.status()),
            ])
        }
    }

    /// Returns when the service forwards no more although nobody asked it to drain: its intake has ended, by a defect of
    /// the driver. Then the process should end, to be started again.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub async fn failed(&mut self) -> Error {
        let ended = (&mut self.forwarding).await;
        let text = "the intake from the workers ended by itself; events are no longer forwarded";
        match ended {
            Ok(()) => Error::new(ErrorKind::Internal, text),
            Err(error) => Error::new(ErrorKind::Internal, text).with_source(error),
        }
    }

    /// Forwards what the workers have sent, lets nothing more in, and closes both ends, within `grace`.
    ///
    /// Workers that go on sending are no failure: a quarter of the grace before its end they are cut off, with a word
    /// in the log, and what had arrived by then is still published.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the grace was too short for what had arrived, with the reason.
    pub async fn drain(self, grace: Duration) -> Result<()> {
        let deadline = Instant::now() + grace;
        self.forwarder.stop();
        if self.forwarding.await.is_err() {
            tracing::error!("the publish path had failed for good");
        }
        if !self.forwarder.drain(IDLE, grace / 4 * 3).await {
            tracing::warn!(
                "the workers went on sending (service.drain_timeout is {grace:?}): they are cut off, and what they \
                 had on its way is lost"
            );
        }
        self.ipc.close().await;
        // What had arrived before the close is still to be read; the queue then says that it is closed.
        let left = deadline.saturating_duration_since(Instant::now()).max(IDLE);
        let emptied = self.forwarder.drain(IDLE, left).await;
        self.network.close().await?;
        if emptied {
            return Ok(());
        }
        let text = format!(
            "{grace:?} (service.drain_timeout) were too short to publish what had arrived; the rest is lost"
        );
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}

fn check_that_there_is_work(registry: &Registry, settings: &Settings) -> Result<()> {
    let pubsub = settings.pubsub();
    let alias = &pubsub.pub_sub_driver;
    let reason = if !pubsub.pub_sub_use_multiproc {
        "pub_sub_use_multiproc is false".to_owned()
    } else if registry.find(alias, Role::Network)?.capabilities.broker {
        format!("{alias} publishes to a broker")
    } else {
        return Ok(());
    };
    let text =
        format!("{reason}: API workers publish by themselves, and a publisher service has nothing to do");
    Err(Error::new(ErrorKind::Settings, text))
}
