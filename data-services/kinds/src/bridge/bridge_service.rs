use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use data_services::{
    Node, NodeInstance, NodeOptions, RegistryChanges, Service, ServiceBuilder, ServiceHandle, ServiceId,
    StopSignal,
};
use futures_util::FutureExt;
use pubsub_api::{Backoff, Error, ErrorKind, Result};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::bridge_options::BridgeOptions;
use super::bridge_status::BridgeStatus;
use super::direction::Direction;
use super::joined_bridge::JoinedBridge;
use crate::status_board::StatusBoard;

/// The time between two comparisons, at least: services that start together are mirrored together.
const GATHER: Duration = Duration::from_millis(20);

/// A service of the kind `bridge`.
#[derive(Debug)]
pub(super) struct BridgeService {
    id: String,
    options: BridgeOptions,
    board: StatusBoard,
    facts: watch::Sender<Facts>,
    /// The place of a predecessor on the other bus and its mirrors.
    kept: Option<JoinedBridge>,
}

/// What the status shows.
#[derive(Debug, Clone, Default)]
struct Facts {
    node: Option<NodeInstance>,
    imported: Vec<ServiceId>,
    exported: Vec<ServiceId>,
}

impl BridgeService {
    pub(super) fn new(id: &str, options: BridgeOptions) -> Result<Self> {
        if options.import.is_none() && options.export.is_none() {
            let text = "a bridge mirrors nothing without `import` or `export`; add one";
            return Err(Error::new(ErrorKind::Settings, text));
        }
        options.settings.network()?;
        let facts = watch::channel(Facts::default()).0;
        Ok(Self { id: id.to_owned(), options, board: StatusBoard::default(), facts, kept: None })
    }

    /// Joins the other bus.
    async fn join(&self, near: &Node) -> Result<Node> {
        let options = self.node_options(near)?;
        let (driver, is_broker) = self.options.settings.network()?;
        Node::join_on_own_threads(options, driver, is_broker).await
    }

    fn node_options(&self, near: &Node) -> Result<NodeOptions> {
        if *near.bus() == self.options.bus {
            let text = format!(
                "both buses are called {}; rename one, so that services which come back over bridges are recognized",
                self.options.bus
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        let node = match &self.options.node {
            Some(node) => node.as_str().to_owned(),
            None => format!("{}.{}", near.instance().node.as_str(), self.id),
        };
        let mut options = NodeOptions::new(node)?.bus(self.options.bus.as_str())?;
        options.seeds.clone_from(&self.options.seeds);
        options.advertise.clone_from(&self.options.advertise);
        options.sealing = self.options.settings.sealing()?;
        Ok(options)
    }

    /// The place on the other bus that a predecessor has left, or a new one.
    async fn joined(&mut self, service: &ServiceHandle) -> Result<JoinedBridge> {
        match self.kept.take() {
            Some(mut kept) if kept.options.joins_as(&self.options) => {
                kept.set_options(self.options.clone(), service).await;
                return Ok(kept);
            }
            Some(other) => other.stop().await,
            None => {}
        }
        let far = self.join(service.node()).await.inspect_err(|error| self.board.failed(error))?;
        JoinedBridge::start(&self.id, self.options.clone(), service, far).await
    }

    async fn mirror(&self, joined: &mut JoinedBridge, near: &Node, stop: &mut StopSignal) -> Result<()> {
        let mut changes = [near.registry_changes(), joined.far.registry_changes()];
        loop {
            let mut errors = Vec::new();
            for direction in [&mut joined.import, &mut joined.export].into_iter().flatten() {
                direction.reconcile(&mut errors).await?;
            }
            self.board.updated(&errors);
            let names =
                |direction: &Option<Direction>| direction.as_ref().map(Direction::names).unwrap_or_default();
            let (imported, exported) = (names(&joined.import), names(&joined.export));
            self.facts.send_replace(Facts { node: Some(joined.far.instance().clone()), imported, exported });
            tokio::select! {
                () = stop.stopped() => return Ok(()),
                () = self.next_comparison(&mut changes, &joined.changed) => {}
                error = joined.far.ended() => {
                    return Err(error.context(format!("the node on bus {} has ended", self.options.bus)));
                }
            }
        }
    }

    /// Mirrors until it shall stop, over the loss of the node on the other bus: that is joined again, and until then the rows of
    /// mirrors on this bus are stale.
    async fn mirror_over_losses(
        &self,
        joined: &mut JoinedBridge,
        service: &ServiceHandle,
        stop: &mut StopSignal,
    ) -> Result<()> {
        loop {
            let Err(lost) = self.mirror(joined, service.node(), stop).await else { return Ok(()) };
            if !joined.has_lost_far().await || service.node().report().await.is_err() {
                return Err(lost);
            }
            tracing::warn!(id = "SK1016", bridge = %self.id, "{lost}; its mirrors are stale until it has joined again");
            self.board.failed(&lost);
            self.facts.send_modify(|facts| facts.node = None);
            joined.suspend(&lost.to_string()).await;
            let mut backoff = Backoff::default();
            loop {
                tokio::select! {
                    () = stop.stopped() => return Ok(()),
                    () = sleep(backoff.next_delay(fastrand::f64())) => {}
                }
                match self.rejoin(joined, service).await {
                    Ok(()) => break,
                    Err(error) => self.board.failed(&error),
                }
            }
        }
    }

    async fn rejoin(&self, joined: &mut JoinedBridge, service: &ServiceHandle) -> Result<()> {
        let keeps_lost_for = self.node_options(service.node())?.forget_after;
        let far = self.join(service.node()).await?;
        joined.resume(&self.id, service, far, keeps_lost_for).await
    }

    /// Waits until one of the two registries or a mirror has changed, and a moment for further changes; at most the interval.
    async fn next_comparison(&self, [near, far]: &mut [RegistryChanges; 2], mirrors: &Notify) {
        sleep(GATHER).await;
        // A node that has left its bus is an error of the comparison.
        tokio::select! {
            _ = near.changed() => {}
            _ = far.changed() => {}
            () = mirrors.notified() => {}
            () = sleep(self.options.interval) => {}
        }
    }
}

#[async_trait]
impl Service for BridgeService {
    fn declare(&self, service: ServiceBuilder) -> ServiceBuilder {
        let (board, facts) = (self.board.clone(), self.facts.subscribe());
        service.method("status", move |_| {
            let (board, facts) = (board.clone(), facts.clone());
            async move {
                let Facts { node, imported, exported } = facts.borrow().clone();
                Ok(BridgeStatus { status: board.report().await?, node, imported, exported })
            }
        })
    }

    fn take_over(&mut self, predecessor: Box<dyn Service>) {
        let predecessor: Box<dyn Any> = predecessor;
        self.kept = predecessor.downcast::<Self>().ok().and_then(|predecessor| predecessor.kept);
    }

    async fn run(&mut self, service: ServiceHandle, mut stop: StopSignal) -> Result<()> {
        self.board.attach(&service);
        let mut joined = self.joined(&service).await?;
        let mirroring = self.mirror_over_losses(&mut joined, &service, &mut stop);
        let mirrored = AssertUnwindSafe(mirroring).catch_unwind().await;
        if matches!(mirrored, Ok(Ok(()))) && stop.is_replaced() {
            // The successor takes over the mirrors; their subscribers do not notice it.
            self.kept = Some(joined);
            return Ok(());
        }
        // Otherwise the mirrors do not outlive the bridge, whatever happens.
        joined.stop().await;
        mirrored.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the bridge panicked")))
    }
}
