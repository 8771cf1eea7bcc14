use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pubsub_api::PeerId;

use crate::endpoint::Endpoint;
use crate::replies::Replies;
use crate::stream::Stream;

/// A subscriber that has asked a publisher, from its first request to the end of the link.
#[derive(Debug)]
pub(crate) struct Asker {
    peer: PeerId,
    address: String,
    stream: Arc<Stream>,
    replies: Arc<Replies>,
    gone: AtomicBool,
}

impl Asker {
    /// One with an id of its own, which knows the publisher by this address.
    pub(crate) fn new(address: &Endpoint, stream: &Arc<Stream>, replies: &Arc<Replies>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            peer: PeerId(NEXT.fetch_add(1, Ordering::Relaxed)),
            address: address.to_string(),
            stream: Arc::clone(stream),
            replies: Arc::clone(replies),
            gone: AtomicBool::new(false),
        }
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    /// The publisher's address as the subscriber knows it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether it is the one of this subscriber under this address.
    pub(crate) fn is(&self, address: &Endpoint, stream: &Arc<Stream>) -> bool {
        self.address == address.to_string() && Arc::ptr_eq(&self.stream, stream)
    }

    /// Where its answers go.
    pub(crate) fn replies(&self) -> &Arc<Replies> {
        &self.replies
    }

    /// Its link has ended. To be called, and asked for, under the lock of its replies: behind the word that all is lost
    /// nothing comes.
    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}
