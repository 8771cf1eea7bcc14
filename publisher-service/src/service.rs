use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use delivery::{BrokerOptions, BrokerPublisher, Identity, PublisherOptions, StampedPublisher, publisher_id};
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Publisher, Registry, Result, Role, Status};

use crate::northbound_side::NorthboundSide;
use crate::shared_reading::SharedReading;
use crate::worker_side::WorkerSide;

/// A publisher service within this process: bound and forwarding until [`drain`](Self::drain).
#[derive(Debug)]
pub struct PublisherService {
    id: String,
    /// The driver's own, for its status.
    driver: Arc<dyn Publisher>,
    network: Network,
    /// None on a broker, to which the workers publish themselves.
    workers: Option<WorkerSide>,
    northbound: Option<NorthboundSide>,
}

/// By what the service publishes.
#[derive(Debug, Clone)]
enum Network {
    /// It is the publisher that agents connect to.
    Bound(Arc<StampedPublisher>),
    /// It is one of many at a broker.
    Broker(Arc<BrokerPublisher>),
}

impl PublisherService {
    /// Binds both addresses and begins to forward. The network is bound first: what workers send can be published. A
    /// northbound database is opened in the background, however long that takes.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for unknown aliases, settings that a driver refuses, tables that cannot be watched, and if
    /// there is nothing to do: without `pub_sub_use_multiproc` the workers publish themselves; with a broker too, and without
    /// a database nothing else is left. [`ErrorKind::Unavailable`] if an address is taken, or another process has the ring in
    /// `state_dir`.
    pub async fn start(registry: &Registry, settings: &Settings) -> Result<Self> {
        let database = registry.used_database(settings)?;
        let on_broker = is_on_broker(registry, settings, database.is_some())?;
        let driver = registry.open(settings, Role::Network)?.publisher();
        let rows = database.as_ref().map(|database| SharedReading::new(Arc::clone(database)));
        let network = Network::of(on_broker, &driver, settings, rows);
        let id = match &network {
            Network::Bound(publisher) => publisher.publisher_id().to_owned(),
            Network::Broker(_) => publisher_id(settings),
        };
        let northbound = database
            .map(|database| NorthboundSide::new(database, network.publisher(), &id, settings))
            .transpose()?;
        let ipc = match &network {
            Network::Bound(network) => {
                Some((registry.open(settings, Role::Multiproc)?.subscriber(), Arc::clone(network)))
            }
            Network::Broker(_) => None,
        };
        network.publisher().initialize().await?;
        let workers = match ipc {
            Some((ipc, network)) => Some(WorkerSide::start(ipc, network).await?),
            None => None,
        };
        let mut service = Self { id, driver, network, workers, northbound };
        // Agents connect to no address at a broker, so that there the directory gets none.
        let address = service.workers.as_ref().and_then(|_| service.network_endpoint());
        if let Some(northbound) = &mut service.northbound {
            northbound.start(address.as_deref())?;
        }
        Ok(service)
    }

    /// The identity that hellos carry; on a broker, by which this service is told from others.
    #[must_use]
    pub fn publisher_id(&self) -> &str {
        &self.id
    }

    /// Where agents connect to.
    #[must_use]
    pub fn network_endpoint(&self) -> Option<String> {
        self.driver.endpoint()
    }

    /// Where workers connect to; `None` if they publish themselves.
    #[must_use]
    pub fn ipc_endpoint(&self) -> Option<String> {
        self.workers.as_ref().and_then(WorkerSide::endpoint)
    }

    /// A view of the status that outlives the service.
    pub fn status_reader(&self) -> impl Fn() -> BTreeMap<String, Status> + Send + Sync + 'static {
        let (driver, network) = (Arc::clone(&self.driver), self.network.clone());
        let workers = self.workers.as_ref().map(WorkerSide::status_reader);
        let northbound = self.northbound.as_ref().map(NorthboundSide::status_reader);
        move || {
            let mut parts = BTreeMap::from([
                ("network".to_owned(), driver.status()),
                ("delivery".to_owned(), network.delivery_status()),
            ]);
            parts.extend(workers.as_ref().map(|read| read()).unwrap_or_default());
            parts.extend(northbound.as_ref().map(|read| read()).unwrap_or_default());
            parts
        }
    }

    /// Returns when the service forwards no more although nobody asked it to drain: its intake has ended, by a defect of
    /// the driver. Then the process should end, to be started again.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub async fn failed(&mut self) -> Error {
        match &mut self.workers {
            Some(workers) => workers.failed().await,
            None => pending().await,
        }
    }

    /// Forwards what the workers have sent, lets nothing more in, and closes both ends, within `grace`. Its row stays in the
    /// directory: a restart is no absence, and the lease ends by itself.
    ///
    /// Workers that go on sending are no failure: a quarter of the grace before its end they are cut off, with a word
    /// in the log, and what had arrived by then is still published.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the grace was too short for what had arrived, with the reason.
    pub async fn drain(self, grace: Duration) -> Result<()> {
        let stopped = async {
            if let Some(northbound) = self.northbound {
                northbound.stop().await;
            }
        };
        let emptied = async {
            match self.workers {
                Some(workers) => workers.drain(grace).await,
                None => true,
            }
        };
        let ((), emptied) = tokio::join!(stopped, emptied);
        self.network.publisher().close().await?;
        if emptied {
            return Ok(());
        }
        let text = format!(
            "{grace:?} (service.drain_timeout) were too short to publish what had arrived; the rest is lost"
        );
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}

impl Network {
    fn of(
        on_broker: bool,
        driver: &Arc<dyn Publisher>,
        settings: &Settings,
        rows: Option<SharedReading>,
    ) -> Self {
        let driver = Arc::clone(driver);
        if on_broker {
            return Self::Broker(Arc::new(BrokerPublisher::new(driver, BrokerOptions::of(settings))));
        }
        let options = PublisherOptions::of(settings);
        let publisher = StampedPublisher::identified(driver, Identity::claim(settings), options);
        Self::Bound(Arc::new(match rows {
            Some(rows) => publisher.with_rows(Arc::new(rows)),
            None => publisher,
        }))
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        match self {
            Self::Bound(publisher) => Arc::<StampedPublisher>::clone(publisher),
            Self::Broker(publisher) => Arc::<BrokerPublisher>::clone(publisher),
        }
    }

    fn delivery_status(&self) -> Status {
        match self {
            Self::Bound(publisher) => publisher.delivery_status(),
            Self::Broker(publisher) => publisher.delivery_status(),
        }
    }
}

/// Whether the workers publish to a broker, so that a service has only the database to care for.
///
/// # Errors
/// [`ErrorKind::Settings`] if it has nothing to do.
fn is_on_broker(registry: &Registry, settings: &Settings, has_database: bool) -> Result<bool> {
    let pubsub = settings.pubsub();
    let alias = &pubsub.pub_sub_driver;
    let on_broker = registry.find(alias, Role::Network)?.capabilities.broker;
    let (reason, advice) = match (on_broker, has_database) {
        (true, true) => return Ok(true),
        (true, false) => (
            format!("{alias} publishes to a broker"),
            "; to let it watch the northbound database, set use_nb_db = yes, or an nb_db_class that joins hosts",
        ),
        (false, _) if !pubsub.pub_sub_use_multiproc => ("pub_sub_use_multiproc is false".to_owned(), ""),
        (false, _) => return Ok(false),
    };
    let text = format!(
        "{reason}: API workers publish by themselves, and a publisher service has nothing to do{advice}"
    );
    Err(Error::new(ErrorKind::Settings, text))
}
