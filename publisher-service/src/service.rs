use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use operations::{PeerList, ReadinessCheck};
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Publisher, Registry, Result, Status};
use service_kit::{DrainProgress, Query, VitalSigns};
use tokio::time::timeout;

use crate::agent_list::agent_list;
use crate::network::Network;
use crate::northbound_side::NorthboundSide;
use crate::prepared::Prepared;
use crate::queries;
use crate::worker_side::WorkerSide;

/// How long a drain may take.
#[derive(Debug, Clone, Copy)]
pub struct DrainPatience {
    /// For the events of workers.
    pub workers: Duration,
    /// For agents that are behind, besides `linger`.
    pub agents: Duration,
}

/// A publisher service in this process: bound and forwarding until [`drain`](Self::drain).
#[derive(Debug)]
pub struct PublisherService {
    id: String,
    /// The driver of `network`, for its status and endpoint.
    driver: Arc<dyn Publisher>,
    network: Network,
    /// `None` with a broker, because workers publish to it directly.
    workers: Option<WorkerSide>,
    northbound: Option<NorthboundSide>,
}

impl PublisherService {
    /// Binds both addresses and starts to forward. The network is bound first, so that events from workers can be published
    /// at once. The northbound database is opened in the background, with retries.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for unknown aliases, settings that a driver refuses, tables that cannot be watched, and if
    /// the service has nothing to do: `pub_sub_use_multiproc` is false, or workers publish to a broker and there is no
    /// database. [`ErrorKind::Unavailable`] if an address is in use, or another process uses the ring in `state_dir`.
    pub async fn start(registry: &Registry, settings: &Settings) -> Result<Self> {
        let Prepared { id, driver, network, ipc, northbound, database: _, warnings: _ } =
            Prepared::new(registry, settings)?;
        network.publisher().initialize().await?;
        let workers = match (&network, ipc) {
            (Network::Bound(network), Some(ipc)) => Some(WorkerSide::start(ipc, Arc::clone(network)).await?),
            _ => None,
        };
        let mut service = Self { id, driver, network, workers, northbound };
        // With a broker agents do not connect to the service, so it has no address for the directory.
        let address = service.workers.as_ref().and_then(|_| service.network_endpoint());
        if let Some(northbound) = &mut service.northbound {
            northbound.start(address.as_deref())?;
        }
        Ok(service)
    }

    /// The publisher identity, as in its hellos; with a broker, the identity of this service among others.
    #[must_use]
    pub fn publisher_id(&self) -> &str {
        &self.id
    }

    /// The address that agents connect to.
    #[must_use]
    pub fn network_endpoint(&self) -> Option<String> {
        self.driver.endpoint()
    }

    /// The address that workers connect to; `None` if they publish directly.
    #[must_use]
    pub fn ipc_endpoint(&self) -> Option<String> {
        self.workers.as_ref().and_then(WorkerSide::endpoint)
    }

    /// A function that reads the status; it stays valid after the service is dropped.
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

    /// As [`status_reader`](Self::status_reader), for a scrape every second: without peers, and without a lock that events
    /// wait for.
    pub fn metrics_reader(&self) -> impl Fn() -> BTreeMap<String, Status> + Send + Sync + 'static {
        let (driver, network) = (Arc::clone(&self.driver), self.network.clone());
        let workers = self.workers.as_ref().map(WorkerSide::status_reader);
        let northbound = self.northbound.as_ref().map(NorthboundSide::status_reader);
        move || {
            let mut parts = BTreeMap::from([
                ("network".to_owned(), driver.metrics()),
                ("delivery".to_owned(), network.delivery_metrics()),
            ]);
            parts.extend(workers.as_ref().map(|read| read()).unwrap_or_default());
            parts.extend(northbound.as_ref().map(|read| read()).unwrap_or_default());
            parts
        }
    }

    /// A function that makes the checks of readiness; it stays valid after the service is dropped.
    pub fn checks_reader(&self) -> impl Fn() -> Vec<ReadinessCheck> + Send + Sync + 'static {
        let (driver, network) = (Arc::clone(&self.driver), self.network.clone());
        let workers = self.workers.as_ref().map(WorkerSide::check_reader);
        let northbound = self.northbound.as_ref().map(NorthboundSide::check_reader);
        move || {
            let mut checks = network.checks(&*driver);
            checks.extend(workers.as_ref().map(|check| check()));
            // Where agents connect to this service, events pass without the database.
            if workers.is_none() {
                checks.extend(northbound.as_ref().map(|check| check()));
            }
            checks
        }
    }

    /// A function that lists the agents for the status page; it stays valid after the service is dropped.
    pub fn peers_reader(&self) -> impl Fn() -> PeerList + Send + Sync + 'static {
        let network = self.network.clone();
        move || agent_list(&network)
    }

    /// What a service manager is to know: whether the forwarder hangs, and a line about agents and events. It stays valid after the service is
    /// dropped.
    #[must_use]
    pub fn vital_signs(&self) -> VitalSigns {
        let publishing = self.workers.as_ref().map(WorkerSide::publishing_reader);
        let stands_for = Arc::new(move || publishing.as_ref().and_then(|publishing_for| publishing_for()));
        VitalSigns { stands_for, summary }
    }

    /// A function that replies to queries about agents and rows; it stays valid after the service is dropped.
    pub fn query_reader(
        &self,
    ) -> impl Fn(&Query) -> std::result::Result<serde_json::Value, String> + Send + Sync + 'static {
        let (driver, network) = (Arc::clone(&self.driver), self.network.clone());
        move |query| queries::reply(&*driver, &network, query)
    }

    /// Returns when the service has stopped forwarding without [`drain`](Self::drain), because of a bug in the multiproc
    /// driver. The process should then exit and be restarted.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub async fn failed(&mut self) -> Error {
        match &mut self.workers {
            Some(workers) => workers.failed().await,
            None => pending().await,
        }
    }

    /// As [`drain_for`](Self::drain_for), with no patience for agents besides `linger`.
    ///
    /// # Errors
    /// As [`drain_for`](Self::drain_for).
    pub async fn drain(self, grace: Duration) -> Result<()> {
        self.drain_for(DrainPatience { workers: grace, agents: Duration::ZERO }, |_| ()).await
    }

    /// Publishes the received events, accepts no more, lets the agents receive them, and closes both ends. `show` is called with
    /// each phase. The service's row stays in the
    /// directory, because a restart is not a removal; the lease expires by itself.
    ///
    /// Workers that keep sending are not an error: after three quarters of their grace they are disconnected with a warning
    /// in the log, and the events received by then are still published.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if not all received events could be published within the workers' grace, or agents did not
    /// receive all of them within the patience for agents and `linger`.
    pub async fn drain_for(self, patience: DrainPatience, show: impl Fn(DrainProgress)) -> Result<()> {
        let DrainPatience { workers: grace, agents } = patience;
        show(DrainProgress::Workers);
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
        show(DrainProgress::Agents);
        let network = self.network.publisher();
        if let Ok(Err(error)) = timeout(agents, network.flush()).await {
            tracing::debug!("while draining: {error}");
        }
        network.close().await?;
        if emptied {
            return Ok(());
        }
        let text = format!(
            "could not publish all received events within {grace:?} (service.drain_timeout); the rest is lost"
        );
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}

/// "3 connections, 1,234 events published".
fn summary(parts: &BTreeMap<String, Status>) -> String {
    let queue =
        parts.get("network").and_then(|part| part.queues.iter().find(|queue| queue.name == "connections"));
    let events = parts.get("service").map_or(0, |part| part.counter("events_published", None));
    let connections = queue.map_or_else(String::new, |queue| format!("{} connections, ", queue.depth));
    format!("{connections}{events} events published")
}
