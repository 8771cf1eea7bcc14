use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use delivery::StampedPublisher;
use pubsub_api::{Error, ErrorKind, Result, Status, Subscriber};
use tokio::task::JoinHandle;

use crate::Forwarder;

/// The way from the workers to the network.
#[derive(Debug)]
pub(crate) struct WorkerSide {
    ipc: Arc<dyn Subscriber>,
    forwarder: Arc<Forwarder>,
    forwarding: JoinHandle<()>,
}

/// For how long nothing must come before a draining service takes the workers for silent.
const IDLE: Duration = Duration::from_millis(100);

impl WorkerSide {
    /// Binds the address of the workers, and forwards what they send to a network that is bound already.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the address is taken.
    pub(crate) async fn start(ipc: Arc<dyn Subscriber>, network: Arc<StampedPublisher>) -> Result<Self> {
        ipc.initialize().await?;
        let forwarder = Arc::new(Forwarder::new(Arc::clone(&ipc), network));
        let forwarding = tokio::spawn(Arc::clone(&forwarder).supervise());
        Ok(Self { ipc, forwarder, forwarding })
    }

    pub(crate) fn endpoint(&self) -> Option<String> {
        self.ipc.endpoint()
    }

    /// A view of the status that outlives it.
    pub(crate) fn status_reader(&self) -> impl Fn() -> BTreeMap<String, Status> + Send + Sync + 'static {
        let (ipc, forwarder) = (Arc::clone(&self.ipc), Arc::clone(&self.forwarder));
        move || BTreeMap::from([("service".to_owned(), forwarder.status()), ("ipc".to_owned(), ipc.status())])
    }

    /// Returns when nothing is forwarded any more although nobody asked for that.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub(crate) async fn failed(&mut self) -> Error {
        let ended = (&mut self.forwarding).await;
        let text = "the intake from the workers ended by itself; events are no longer forwarded";
        match ended {
            Ok(()) => Error::new(ErrorKind::Internal, text),
            Err(error) => Error::new(ErrorKind::Internal, text).with_source(error),
        }
    }

    /// Forwards what the workers have sent, and lets nothing more in; whether all that had arrived was forwarded by the
    /// end of `grace`. The network is to be closed after it.
    pub(crate) async fn drain(self, grace: Duration) -> bool {
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
        self.forwarder.drain(IDLE, left).await
    }
}
