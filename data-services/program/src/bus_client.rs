use std::time::Duration;

use data_services::{Node, NodeReport, ServiceHandle};
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use tokio::time::{Instant, timeout_at};

use crate::node_driver::node_driver;
use crate::node_settings::client_options;
use crate::refusal::refusal;

/// The heartbeat of a client until it knows the bus: it needs one and a half of them.
const SETTLE_HEARTBEAT: Duration = Duration::from_millis(200);

/// A node for the time of one command. Its id begins with `_command-`, and listings omit it.
#[derive(Debug)]
pub struct BusClient {
    node: Node,
    service: ServiceHandle,
}

impl BusClient {
    /// Joins the bus of the settings, and waits until it knows every node that another node knows, at most `timeout`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for invalid settings; [`ErrorKind::Unavailable`] if no node of the bus was reached: the text
    /// names the seeds.
    pub async fn join(registry: &Registry, settings: &Settings, timeout: Duration) -> Result<Self> {
        let options = client_options(settings, SETTLE_HEARTBEAT)?;
        let (bus, seeds) = (options.bus.clone(), options.seeds.join(", "));
        let own = data_services_settings::DataServicesSettings::read(settings)?;
        let (driver, is_broker) = node_driver(registry, settings, &own.bind_address, 0)?;
        let node = Node::join(options, driver, is_broker).await?;
        let service = node.service("_command").start().await?;
        let client = Self { node, service };
        if client.settled(timeout).await? {
            return Ok(client);
        }
        client.node.leave().await;
        let text = match is_broker {
            true => format!("no node of the bus {bus} was heard on the broker within {timeout:?}"),
            false => format!(
                "no node of the bus {bus} replied at {seeds} within {timeout:?}; start one, or check data_services.seeds"
            ),
        };
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    /// Returns what this node knows of the bus.
    ///
    /// # Errors
    /// As [`Node::report`].
    pub async fn report(&self) -> Result<NodeReport> {
        self.node.report().await
    }

    /// Returns the service by which the command subscribes and calls.
    #[must_use]
    pub fn service(&self) -> &ServiceHandle {
        &self.service
    }

    /// Does the work of the command, and leaves the bus with a goodbye.
    ///
    /// # Errors
    /// That of the work; [`ErrorKind::AlreadyExists`] instead if the node was refused meanwhile, because another has its id.
    pub async fn work<T>(self, work: impl AsyncFnOnce(&Self) -> Result<T>) -> Result<T> {
        let done = work(&self).await;
        self.node.leave().await;
        match done {
            Ok(done) => Ok(done),
            Err(error) => Err(refusal(&self.node).await.unwrap_or(error)),
        }
    }

    /// Waits until a node is up, and the entries of all that are heard are known. Returns whether a node is up.
    async fn settled(&self, within: Duration) -> Result<bool> {
        let deadline = Instant::now() + within;
        let mut changes = self.node.registry_changes();
        loop {
            let report = self.report().await?;
            let is_up = report.peers.iter().any(|peer| peer.state == "up");
            let is_open = |peer: &data_services::PeerReport| {
                peer.state == "joining" || (peer.state == "up" && !peer.is_known)
            };
            if is_up && report.is_registry_complete && !report.peers.iter().any(is_open) {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(is_up);
            }
            // At the deadline, the last report decides.
            if let Ok(changed) = timeout_at(deadline, changes.changed()).await {
                changed?;
            }
        }
    }
}
