use std::sync::Arc;
use std::time::Duration;

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
        let subscriber = subscriber(id, &far).await?;
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

    /// Returns whether the node on the other bus has ended.
    pub(super) async fn has_lost_far(&self) -> bool {
        self.far.report().await.is_err()
    }

    /// Keeps the mirrors on its own bus, with stale rows, after the node on the other one has ended. The mirrors there ended
    /// with it.
    pub(super) async fn suspend(&mut self, reason: &str) {
        if let Some(export) = self.export.take() {
            export.stop().await;
        }
        if let Some(import) = &mut self.import {
            import.suspend(reason).await;
        }
    }

    /// Goes on with another node on the other bus. `service` is the bridge on its own bus. On an error the node has left.
    pub(super) async fn resume(
        &mut self,
        id: &str,
        service: &ServiceHandle,
        far: Node,
        keeps_lost_for: Duration,
    ) -> Result<()> {
        self.subscriber = subscriber(id, &far).await?;
        self.far = far;
        if let Some(import) = &mut self.import {
            import.resume(self.subscriber.clone(), keeps_lost_for);
        }
        self.set_options(self.options.clone(), service).await;
        Ok(())
    }

    /// Stops all mirrors, and leaves the other bus.
    pub(super) async fn stop(self) {
        for direction in [self.import, self.export].into_iter().flatten() {
            direction.stop().await;
        }
        self.far.leave().await;
    }
}

/// Starts the service of the bridge on the other bus; on an error the node has left. It is hidden, so that no bridge mirrors it.
async fn subscriber(id: &str, far: &Node) -> Result<ServiceHandle> {
    let started = far.service(format!("_bridge.{id}")).start().await;
    if started.is_err() {
        far.leave().await;
    }
    started
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
