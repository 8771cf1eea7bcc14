use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pubsub_api::{Batch, PeerId, Result};

use crate::endpoint::Endpoint;
use crate::replies::Replies;
use crate::reply_address::ReplyAddress;
use crate::stream::Stream;

/// A subscriber that has sent requests to a publisher, from its first request to the end of the link.
#[derive(Debug)]
pub(crate) struct RequestLink {
    peer: PeerId,
    address: ReplyAddress,
    stream: Arc<Stream>,
    replies: Arc<Replies>,
}

impl RequestLink {
    /// Creates one with a new id; `address` is the publisher's address as the subscriber knows it.
    pub(crate) fn new(address: &Endpoint, stream: &Arc<Stream>, replies: &Arc<Replies>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            peer: PeerId(NEXT.fetch_add(1, Ordering::Relaxed)),
            address: ReplyAddress::new(address.to_string()),
            stream: Arc::clone(stream),
            replies: Arc::clone(replies),
        }
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    /// Whether it belongs to this subscriber under this address.
    pub(crate) fn is(&self, address: &Endpoint, stream: &Arc<Stream>) -> bool {
        self.address.as_str() == address.to_string() && Arc::ptr_eq(&self.stream, stream)
    }

    /// Adds the envelopes to the requester's replies, as [`Replies::answer`].
    ///
    /// # Errors
    /// As [`Replies::answer`].
    pub(crate) async fn answer(&self, batch: &mut Batch, patience: Duration) -> Result<()> {
        self.replies.answer(&self.address, batch, patience).await
    }

    /// Ends the link, as [`Replies::lose`].
    pub(crate) fn lose(&self, reason: &str) {
        self.replies.lose(&self.address, reason);
    }
}
