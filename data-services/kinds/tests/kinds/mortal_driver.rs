//! The memory driver, with an end that a test can bring about.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use pubsub_api::settings::Settings;
use pubsub_api::{
    Batch, Driver, Error, ErrorKind, Incoming, Notice, PubSubApi, Publisher, Registry, Requester, Result,
    Role, Status, Subscriber, Subscription,
};
use tokio::sync::watch;

inventory::submit! {
    Driver {
        alias: "mortal_pubsub_driver",
        roles: &[Role::Network],
        summary: "the memory driver, whose subscriptions can be ended",
        capabilities: drivers_memory::CAPABILITIES,
        settings: &[],
        open,
    }
}

/// The number of ends.
static ENDS: LazyLock<watch::Sender<u64>> = LazyLock::new(|| watch::channel(0).0);

/// Whether initialization is refused.
static REFUSES: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::channel(false).0);

/// Ends every subscriber that there is.
pub(crate) fn end_all() {
    ENDS.send_modify(|ends| *ends += 1);
}

/// Whether drivers that are opened from now on can be initialized.
pub(crate) fn refuse(refuses: bool) {
    REFUSES.send_replace(refuses);
}

fn open(settings: &Settings, role: Role) -> Result<Arc<dyn PubSubApi>> {
    let registry = Registry::collect()?;
    let driver = (registry.find("memory_pubsub_driver", role)?.open)(settings, role)?;
    Ok(Arc::new(MortalDriver { driver, ends: ENDS.subscribe() }))
}

#[derive(Debug)]
struct MortalDriver {
    driver: Arc<dyn PubSubApi>,
    ends: watch::Receiver<u64>,
}

impl PubSubApi for MortalDriver {
    fn publisher(&self) -> Arc<dyn Publisher> {
        self.driver.publisher()
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::new(MortalSubscriber { subscriber: self.driver.subscriber(), ends: self.ends.clone() })
    }
}

#[derive(Debug)]
struct MortalSubscriber {
    subscriber: Arc<dyn Subscriber>,
    ends: watch::Receiver<u64>,
}

impl MortalSubscriber {
    async fn end(&self) -> Error {
        let _ = self.ends.clone().changed().await;
        Error::new(ErrorKind::Closed, "the test has ended the driver")
    }
}

#[async_trait]
impl Subscriber for MortalSubscriber {
    async fn initialize(&self) -> Result<()> {
        let refuses = *REFUSES.borrow();
        if refuses {
            return Err(Error::new(ErrorKind::Unavailable, "the test refuses"));
        }
        self.subscriber.initialize().await
    }

    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        self.subscriber.register_listen_address(endpoint)
    }

    fn unregister_listen_address(&self, endpoint: &str) -> bool {
        self.subscriber.unregister_listen_address(endpoint)
    }

    fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        self.subscriber.register_topic(subscription)
    }

    fn unregister_topic(&self, subscription: &Subscription) -> bool {
        self.subscriber.unregister_topic(subscription)
    }

    async fn recv(&self) -> Result<Incoming> {
        tokio::select! {
            error = self.end() => Err(error),
            incoming = self.subscriber.recv() => incoming,
        }
    }

    async fn recv_batch(&self, batch: &mut Batch) -> Result<Option<Notice>> {
        tokio::select! {
            error = self.end() => Err(error),
            received = self.subscriber.recv_batch(batch) => received,
        }
    }

    fn requester(&self) -> Option<&dyn Requester> {
        self.subscriber.requester()
    }

    async fn close(&self) {
        self.subscriber.close().await;
    }

    fn endpoint(&self) -> Option<String> {
        self.subscriber.endpoint()
    }

    fn status(&self) -> Status {
        self.subscriber.status()
    }
}
