use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};

/// The events of one client, as the body of a reply. Its place is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct EventStream {
    pub(super) events: mpsc::Receiver<Bytes>,
    pub(super) eviction: Eviction,
    pub(super) _place: OwnedSemaphorePermit,
}

/// Notifies the connection of a client that the client reads too slowly. It is an extension of the reply.
#[derive(Debug, Clone, Default)]
pub(crate) struct Eviction(Arc<Notify>);

impl Eviction {
    pub(super) fn evict(&self) {
        self.0.notify_one();
    }

    /// Waits until the client must go.
    pub(crate) async fn evicted(&self) {
        self.0.notified().await;
    }
}

impl EventStream {
    pub(crate) fn eviction(&self) -> Eviction {
        self.eviction.clone()
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.events.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
