use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{Batch, PubSubApi, Publisher, Requests, Result, Status, Subscriber, SubscribersSeen, Topic};
use tokio::sync::watch;

/// A driver whose publisher accepts nothing while it is held. Clones are the same driver.
#[derive(Debug, Clone)]
pub(crate) struct HeldDriver {
    publisher: Arc<HeldPublisher>,
    subscriber: Arc<dyn Subscriber>,
}

#[derive(Debug)]
struct HeldPublisher {
    publisher: Arc<dyn Publisher>,
    is_held: watch::Sender<bool>,
}

impl HeldDriver {
    pub(crate) fn new(driver: &dyn PubSubApi) -> Self {
        let publisher = HeldPublisher { publisher: driver.publisher(), is_held: watch::channel(false).0 };
        Self { publisher: Arc::new(publisher), subscriber: driver.subscriber() }
    }

    pub(crate) fn hold(&self, is_held: bool) {
        self.publisher.is_held.send_replace(is_held);
    }
}

impl PubSubApi for HeldDriver {
    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::<HeldPublisher>::clone(&self.publisher)
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::clone(&self.subscriber)
    }
}

impl HeldPublisher {
    async fn released(&self) {
        self.is_held.subscribe().wait_for(|is_held| !is_held).await.unwrap();
    }
}

#[async_trait]
impl Publisher for HeldPublisher {
    async fn initialize(&self) -> Result<()> {
        self.publisher.initialize().await
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        self.released().await;
        self.publisher.send(topic, payload).await
    }

    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        self.released().await;
        self.publisher.send_batch(batch).await
    }

    async fn flush(&self) -> Result<()> {
        self.publisher.flush().await
    }

    async fn close(&self) -> Result<()> {
        self.publisher.close().await
    }

    fn endpoint(&self) -> Option<String> {
        self.publisher.endpoint()
    }

    fn status(&self) -> Status {
        self.publisher.status()
    }

    fn subscribers_seen(&self) -> Option<&dyn SubscribersSeen> {
        self.publisher.subscribers_seen()
    }

    fn requests(&self) -> Option<&dyn Requests> {
        self.publisher.requests()
    }
}
