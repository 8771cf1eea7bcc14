use std::sync::Arc;

use async_trait::async_trait;
use pubsub_api::{
    Envelope, Error, ErrorKind, Incoming, Reply, Requester, Result, Status, Subscriber, Subscription,
};
use tokio::sync::Notify;

use crate::arrival::{Arrival, wait};
use crate::endpoint;
use crate::open_subscriber::{OpenSubscriber, Phase};
use crate::shared::Shared;

/// The receiving end of a node.
#[derive(Debug)]
pub(crate) struct FaultySubscriber {
    network: Arc<Shared>,
    id: u64,
    wake: Arc<Notify>,
}

impl FaultySubscriber {
    pub(crate) fn new(network: &Arc<Shared>, name: &str) -> Self {
        let wake = Arc::default();
        let id = network.state().open(name, &wake);
        Self { network: Arc::clone(network), id, wake }
    }

    /// Calls `of` with the state of this subscriber, which exists as long as this.
    fn state<T>(&self, of: impl FnOnce(&mut OpenSubscriber) -> T) -> Result<T> {
        self.network.state().subscriber(self.id).map(of).ok_or_else(|| Error::closed("subscriber"))
    }
}

#[async_trait]
impl Subscriber for FaultySubscriber {
    async fn initialize(&self) -> Result<()> {
        if self.state(|own| own.phase)? == Phase::Closed {
            return Err(Error::closed("subscriber"));
        }
        self.network.state().run(self.id);
        Ok(())
    }

    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        if self.network.is_broker {
            let text = format!("the subscriber receives from the broker, and does not connect to {endpoint}");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        endpoint::check(endpoint)?;
        Ok(self.network.state().join(self.id, endpoint))
    }

    fn unregister_listen_address(&self, endpoint: &str) -> bool {
        self.network.state().leave(self.id, endpoint)
    }

    fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        self.state(|own| own.register_topic(subscription))?
    }

    fn unregister_topic(&self, subscription: &Subscription) -> bool {
        self.state(|own| own.unregister_topic(subscription)).unwrap_or_default()
    }

    async fn recv(&self) -> Result<Incoming> {
        let take = |now| self.state(|own| own.take(now)).unwrap_or_else(|error| Arrival::Now(Err(error)));
        wait(&self.wake, take).await
    }

    fn requester(&self) -> Option<&dyn Requester> {
        if self.network.is_broker { None } else { Some(self) }
    }

    async fn close(&self) {
        self.network.state().close(self.id);
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        self.state(|own| own.read()).unwrap_or_default()
    }
}

#[async_trait]
impl Requester for FaultySubscriber {
    fn request(&self, endpoint: &str, request: Envelope) -> bool {
        self.network.state().request(self.id, endpoint, &request)
    }

    async fn next(&self) -> Result<Reply> {
        let take =
            |now| self.state(|own| own.take_reply(now)).unwrap_or_else(|error| Arrival::Now(Err(error)));
        wait(&self.wake, take).await
    }
}

impl Drop for FaultySubscriber {
    fn drop(&mut self) {
        self.network.state().remove(self.id);
    }
}
