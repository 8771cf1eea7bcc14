//! Requests to publishers: over a connection of its own to each, a DEALER's, made at the first request.

use async_trait::async_trait;
use pubsub_api::{Envelope, Reply, Requester, Result};

use super::SubSubscriber;

#[async_trait]
impl Requester for SubSubscriber {
    fn request(&self, endpoint: &str, request: Envelope) -> bool {
        self.ask(endpoint, request)
    }

    async fn next(&self) -> Result<Reply> {
        self.shared.requester.replies.next().await
    }
}
