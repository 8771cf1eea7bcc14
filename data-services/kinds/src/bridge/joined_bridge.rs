use std::sync::Arc;

use data_services::{Node, ServiceHandle};
use pubsub_api::Result;
use tokio::sync::Notify;

use super::bridge_options::{BridgeOptions, MirrorOptions};
use super::direction::Direction;

/// A bridge's place on the other bus, with its mirrors here and there. A reload keeps it.
#[derive(Debug)]
pub(super) struct JoinedBridge {
    pub(super) options: BridgeOptions,
    pub(super) far: Node,
    /// The service of the bridge on the other bus.
    subscriber: ServiceHandle,
    pub(super) import: Option<Direction>,
    pub(super) export: Option<Direction>,
    /// Notified when the mirrors are to be compared again, for another reason than a change of a registry.
    pub(super) changed: Arc<Notify>,
}

impl JoinedBridge {
    /// Starts the service on the other bus, without mirrors yet. On an error the node has left it.
    pub(super) async fn start(
        id: &str,
        options: BridgeOptions,
        service: &ServiceHandle,
        far: Node,
    ) -> Result<Self> {
        // It is hidden, so that no bridge mirrors it.
        let subscriber = match far.service(format!("_bridge.{id}")).start().await {
            Ok(subscriber) => subscriber,
            Err(error) => {
                far.leave().await;
                return Err(error);
            }
        };
        let changed = Arc::default();
        let mut joined =
            Self { options: options.clone(), far, subscriber, import: None, export: None, changed };
        joined.set_options(options, service).await;
        Ok(joined)
    }

    /// Changes what is mirrored. `service` is the bridge on its own bus.
    pub(super) async fn set_options(&mut self, options: BridgeOptions, service: &ServiceHandle) {
        let (near, far) = (service.node().clone(), self.far.clone());
        let import = self.import.take();
        self.import = direction(import, options.import.clone(), &self.subscriber, near, &self.changed).await;
        let export = self.export.take();
        self.export = direction(export, options.export.clone(), service, far, &self.changed).await;
        self.options = options;
    }

    /// Stops all mirrors, and leaves the other bus.
    pub(super) async fn stop(self) {
        for direction in [self.import, self.export].into_iter().flatten() {
            direction.stop().await;
        }
        self.far.leave().await;
    }
}

/// The mirrors of one direction with other options: those of before, new ones, or none.
async fn direction(
    before: Option<Direction>,
    options: Option<MirrorOptions>,
    source: &ServiceHandle,
    destination: Node,
    changed: &Arc<Notify>,
) -> Option<Direction> {
    match (before, options) {
        (Some(mut direction), Some(options)) => {
            direction.set_options(options);
            Some(direction)
        }
        (None, Some(options)) => Some(Direction::new(options, source.clone(), destination, changed)),
        (Some(direction), None) => {
            direction.stop().await;
            None
        }
        (None, None) => None,
    }
}
