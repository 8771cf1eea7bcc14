use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use pubsub_api::{Batch, Edit, Incoming, Notice, Requester, Result, Status, Subscriber, Subscription};

/// A driver's subscriber that loses a number of events on request.
#[derive(Debug)]
pub(crate) struct Lossy {
    pub(crate) driver: Arc<dyn Subscriber>,
    /// Number of events still to lose.
    pub(crate) to_lose: Arc<AtomicU64>,
}

#[async_trait]
impl Subscriber for Lossy {
    async fn initialize(&self) -> Result<()> {
        self.driver.initialize().await
    }

    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        self.driver.register_listen_address(endpoint)
    }

    fn unregister_listen_address(&self, endpoint: &str) -> bool {
        self.driver.unregister_listen_address(endpoint)
    }

    fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        self.driver.register_topic(subscription)
    }

    fn unregister_topic(&self, subscription: &Subscription) -> bool {
        self.driver.unregister_topic(subscription)
    }

    async fn recv(&self) -> Result<Incoming> {
        self.driver.recv().await
    }

    async fn recv_batch(&self, batch: &mut Batch) -> Result<Option<Notice>> {
        let notice = self.driver.recv_batch(batch).await?;
        batch.edit(|event| {
            let lose = |left: u64| left.checked_sub(1);
            let is_lost = || self.to_lose.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lose).is_ok();
            let is_event = event.topic.first() != Some(&b'$');
            if is_event && is_lost() { Edit::Drop } else { Edit::Keep }
        });
        Ok(notice)
    }

    fn requester(&self) -> Option<&dyn Requester> {
        self.driver.requester()
    }

    async fn close(&self) {
        self.driver.close().await;
    }

    fn endpoint(&self) -> Option<String> {
        self.driver.endpoint()
    }

    fn status(&self) -> Status {
        self.driver.status()
    }
}
