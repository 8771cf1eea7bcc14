use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Publisher, Registry, Result, Status};

use crate::network::Network;
use crate::northbound_side::NorthboundSide;
use crate::prepared::Prepared;
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
        let Prepared { id, driver, network, ipc, northbound, warnings: _ } =
            Prepared::new(registry, settings)?;
        network.publisher().initialize().await?;
        let workers = match (&network, ipc) {
            (Network::Bound(network), Some(ipc)) => Some(WorkerSide::start(ipc, Arc::clone(network)).await?),
            _ => None,
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
