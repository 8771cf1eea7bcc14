use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use data_services::{
    Node, NodeInstance, NodeOptions, RegistryChanges, Service, ServiceBuilder, ServiceHandle, ServiceId,
    StopSignal,
};
use futures_util::FutureExt;
use pubsub_api::{Error, ErrorKind, Result};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::bridge_options::BridgeOptions;
use super::bridge_status::BridgeStatus;
use super::direction::Direction;
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
    /// Notified when the mirrors are to be compared again.
    changed: Arc<Notify>,
}

/// What the status shows.
#[derive(Debug, Clone, Default)]
struct Facts {
    node: Option<NodeInstance>,
    imported: Vec<ServiceId>,
    exported: Vec<ServiceId>,
}

/// The two directions of a bridge that runs.
struct Directions {
    import: Option<Direction>,
    export: Option<Direction>,
}

impl BridgeService {
    pub(super) fn new(id: &str, options: BridgeOptions) -> Result<Self> {
        if options.import.is_none() && options.export.is_none() {
            let text = "a bridge mirrors nothing without `import` or `export`; add one";
            return Err(Error::new(ErrorKind::Settings, text));
        }
        options.settings.network()?;
        let facts = watch::channel(Facts::default()).0;
        Ok(Self { id: id.to_owned(), options, board: StatusBoard::default(), facts, changed: Arc::default() })
    }

    /// Joins the other bus.
    async fn join(&self, near: &Node) -> Result<Node> {
        if *near.bus() == self.options.bus {
            let text = format!(
                "both buses are called {}; rename one, so that services which come back over bridges are recognized",
                self.options.bus
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        let (driver, is_broker) = self.options.settings.network()?;
        let node = match &self.options.node {
            Some(node) => node.as_str().to_owned(),
            None => format!("{}.{}", near.instance().node.as_str(), self.id),
        };
        let mut options = NodeOptions::new(node)?.bus(self.options.bus.as_str())?;
        options.seeds.clone_from(&self.options.seeds);
        options.advertise.clone_from(&self.options.advertise);
        Node::join(options, driver, is_broker).await
    }

    async fn mirror(
        &self,
        directions: &mut Directions,
        near: &Node,
        far: &Node,
        stop: &mut StopSignal,
    ) -> Result<()> {
        let mut changes = [near.registry_changes(), far.registry_changes()];
        loop {
            let mut errors = Vec::new();
            for direction in [&mut directions.import, &mut directions.export].into_iter().flatten() {
                direction.reconcile(&mut errors).await?;
            }
            self.board.updated(&errors);
            let names =
                |direction: &Option<Direction>| direction.as_ref().map(Direction::names).unwrap_or_default();
            let (imported, exported) = (names(&directions.import), names(&directions.export));
            self.facts.send_replace(Facts { node: Some(far.instance().clone()), imported, exported });
            tokio::select! {
                () = stop.stopped() => return Ok(()),
                () = self.next_comparison(&mut changes) => {}
                error = far.ended() => {
                    return Err(error.context(format!("the node on bus {} has ended", self.options.bus)));
                }
            }
        }
    }

    /// Waits until one of the two registries or a mirror has changed, and a moment for further changes; at most the interval.
    async fn next_comparison(&self, [near, far]: &mut [RegistryChanges; 2]) {
        sleep(GATHER).await;
        // A node that has left its bus is an error of the comparison.
        tokio::select! {
            _ = near.changed() => {}
            _ = far.changed() => {}
            () = self.changed.notified() => {}
            () = sleep(self.options.interval) => {}
        }
    }
}

impl Directions {
    async fn stop(self) {
        for direction in [self.import, self.export].into_iter().flatten() {
            direction.stop().await;
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

    async fn run(&mut self, service: ServiceHandle, mut stop: StopSignal) -> Result<()> {
        self.board.attach(&service);
        let near = service.node().clone();
        let far = self.join(&near).await.inspect_err(|error| self.board.failed(error))?;
        // It is hidden, so that no bridge mirrors it.
        let subscriber = match far.service(format!("_bridge.{}", self.id)).start().await {
            Ok(subscriber) => subscriber,
            Err(error) => {
                far.leave().await;
                return Err(error);
            }
        };
        let (import, export) = (self.options.import.clone(), self.options.export.clone());
        let mut directions = Directions {
            import: import.map(|options| Direction::new(options, subscriber, near.clone(), &self.changed)),
            export: export.map(|options| Direction::new(options, service, far.clone(), &self.changed)),
        };
        // Whatever happens, the mirrors do not outlive the bridge.
        let mirroring = self.mirror(&mut directions, &near, &far, &mut stop);
        let mirroring = AssertUnwindSafe(mirroring).catch_unwind().await;
        directions.stop().await;
        far.leave().await;
        mirroring.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the bridge panicked")))
    }
}
