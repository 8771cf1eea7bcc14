use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pubsub_api::PeerId;

use crate::endpoint::Endpoint;
use crate::replies::Replies;
use crate::stream::Stream;

/// A subscriber that has sent requests to a publisher, from its first request to the end of the link.
#[derive(Debug)]
pub(crate) struct RequestLink {
    peer: PeerId,
    address: String,
    stream: Arc<Stream>,
    replies: Arc<Replies>,
    ended: AtomicBool,
}

impl RequestLink {
    /// Creates one with a new id; `address` is the publisher's address as the subscriber knows it.
    pub(crate) fn new(address: &Endpoint, stream: &Arc<Stream>, replies: &Arc<Replies>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            peer: PeerId(NEXT.fetch_add(1, Ordering::Relaxed)),
            address: address.to_string(),
            stream: Arc::clone(stream),
            replies: Arc::clone(replies),
            ended: AtomicBool::new(false),
        }
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    /// The publisher's address as the subscriber knows it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether it belongs to this subscriber under this address.
    pub(crate) fn is(&self, address: &Endpoint, stream: &Arc<Stream>) -> bool {
        self.address == address.to_string() && Arc::ptr_eq(&self.stream, stream)
    }

    /// The queue of its replies.
    pub(crate) fn replies(&self) -> &Arc<Replies> {
        &self.replies
    }

    /// Marks its link as ended. Call this, and check for it, while holding the lock of its replies: nothing may follow the
    /// notice that all replies are lost.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}
