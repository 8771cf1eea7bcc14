use std::sync::{Arc, Mutex};

use pubsub_api::{Counter, Envelope, PeerReading};

use crate::endpoint::Endpoint;
use crate::lock::lock;
use crate::stream::Stream;

/// One network publisher's end: the subscribers that are linked to it now.
#[derive(Debug)]
pub(crate) struct Fanout {
    endpoint: Endpoint,
    links: Mutex<Vec<Link>>,
    sent: Counter,
}

/// A subscriber, with the address by which it knows the publisher.
#[derive(Debug)]
struct Link {
    address: Endpoint,
    stream: Arc<Stream>,
}

impl Fanout {
    /// A publisher bound to `endpoint`, without subscribers.
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, links: Mutex::default(), sent: Counter::new("events_sent") }
    }

    /// Where it is bound.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Gives an event to every subscriber that wants it, and waits for none of them.
    pub(crate) fn send(&self, envelope: &Envelope) {
        self.sent.add(1);
        for link in lock(&self.links).iter() {
            link.stream.offer(envelope);
        }
    }

    /// Links a subscriber, and tells it.
    pub(crate) fn link(&self, address: &Endpoint, stream: &Arc<Stream>) {
        let mut links = lock(&self.links);
        stream.link_up(&address.to_string());
        links.push(Link { address: address.clone(), stream: Arc::clone(stream) });
    }

    /// Lets a subscriber go, which asked for it and so is told nothing.
    pub(crate) fn unlink(&self, address: &Endpoint, stream: &Arc<Stream>) {
        lock(&self.links).retain(|link| link.address != *address || !Arc::ptr_eq(&link.stream, stream));
    }

    /// Lets every subscriber go, and tells them.
    pub(crate) fn unlink_all(&self) {
        for link in lock(&self.links).drain(..) {
            link.stream.link_down(&link.address.to_string(), "the publisher was closed");
        }
    }

    /// Whether this subscriber is linked under this address.
    pub(crate) fn has(&self, address: &Endpoint, stream: &Arc<Stream>) -> bool {
        lock(&self.links).iter().any(|link| link.address == *address && Arc::ptr_eq(&link.stream, stream))
    }

    /// How many events were sent.
    pub(crate) fn sent(&self) -> &Counter {
        &self.sent
    }

    /// One reading per linked subscriber.
    pub(crate) fn peers(&self) -> Vec<PeerReading> {
        let links = lock(&self.links);
        let reading =
            |link: &Link| PeerReading { endpoint: link.address.to_string(), state: "subscribed".to_owned() };
        links.iter().map(reading).collect()
    }
}
