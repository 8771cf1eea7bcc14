//! The requests of subscribers, and the replies to them: a ROUTER on the port of PUB.

use async_trait::async_trait;
use pubsub_api::{Batch, PeerId, Request, Requests, Result};

use super::PubPublisher;

#[async_trait]
impl Requests for PubPublisher {
    async fn next(&self) -> Result<Request> {
        self.requests.next().await
    }

    async fn answer(&self, peer: PeerId, envelopes: &mut Batch) -> Result<()> {
        self.fanout()?.answer(peer, envelopes).await
    }
}
