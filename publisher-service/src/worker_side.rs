use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use delivery::StampedPublisher;
use operations::ReadinessCheck;
use pubsub_api::{Error, ErrorKind, Result, Status, Subscriber};
use tokio::task::JoinHandle;

use crate::Forwarder;

/// Receives the workers' events and forwards them to the network.
#[derive(Debug)]
pub(crate) struct WorkerSide {
    ipc: Arc<dyn Subscriber>,
    forwarder: Arc<Forwarder>,
    forwarding: JoinHandle<()>,
}

/// A draining service considers the workers idle when no event arrives for this long.
const IDLE: Duration = Duration::from_millis(100);

impl WorkerSide {
    /// Binds the workers' address and forwards their events to `network`, which is already bound.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the address is in use.
    pub(crate) async fn start(ipc: Arc<dyn Subscriber>, network: Arc<StampedPublisher>) -> Result<Self> {
        ipc.initialize().await?;
        let forwarder = Arc::new(Forwarder::new(Arc::clone(&ipc), network));
        let forwarding = tokio::spawn(Arc::clone(&forwarder).supervise());
        Ok(Self { ipc, forwarder, forwarding })
    }

    pub(crate) fn endpoint(&self) -> Option<String> {
        self.ipc.endpoint()
    }

    /// A function that reads the status; it stays valid after `self` is dropped.
    pub(crate) fn status_reader(&self) -> impl Fn() -> BTreeMap<String, Status> + Send + Sync + 'static {
        let (ipc, forwarder) = (Arc::clone(&self.ipc), Arc::clone(&self.forwarder));
        move || BTreeMap::from([("service".to_owned(), forwarder.status()), ("ipc".to_owned(), ipc.status())])
    }

    /// A function that checks whether workers can connect; it stays valid after `self` is dropped.
    pub(crate) fn check_reader(&self) -> impl Fn() -> ReadinessCheck + Send + Sync + 'static {
        let (ipc, forwarding) = (Arc::clone(&self.ipc), self.forwarding.abort_handle());
        move || match ipc.endpoint() {
            _ if forwarding.is_finished() => {
                ReadinessCheck::failed("workers", "their events are no longer forwarded")
            }
            Some(endpoint) => ReadinessCheck::met("workers", format!("they can connect to {endpoint}")),
            None => ReadinessCheck::failed("workers", "no address is bound for them"),
        }
    }

    /// A function that reads how long the current batch has been published; it stays valid after `self` is dropped.
    pub(crate) fn publishing_reader(&self) -> impl Fn() -> Option<Duration> + Send + Sync + 'static {
        let forwarder = Arc::clone(&self.forwarder);
        move || forwarder.publishing_for()
    }

    /// Returns when forwarding has ended without [`drain`](Self::drain).
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub(crate) async fn failed(&mut self) -> Error {
        let ended = (&mut self.forwarding).await;
        let text = "receiving from the workers ended unexpectedly; events are no longer forwarded";
        match ended {
            Ok(()) => Error::new(ErrorKind::Internal, text),
            Err(error) => Error::new(ErrorKind::Internal, text).with_source(error),
        }
    }

    /// Forwards the received events and accepts no more. Returns whether all received events were forwarded within
    /// `grace`. The caller closes the network afterwards.
    pub(crate) async fn drain(self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        self.forwarder.stop();
        if self.forwarding.await.is_err() {
            tracing::error!(id = "SK0711", "the forwarder had failed; draining the events that are left");
        }
        if !self.forwarder.drain(IDLE, grace / 4 * 3).await {
            tracing::warn!(
                id = "SK0107",
                "workers kept sending while the service stops (service.drain_timeout is {grace:?}): disconnecting them; \
                 events in flight are lost"
            );
        }
        self.ipc.close().await;
        // Events that arrived before the close can still be read; then `recv_batch` returns `Closed`.
        let left = deadline.saturating_duration_since(Instant::now()).max(IDLE);
        self.forwarder.drain(IDLE, left).await
    }
}
