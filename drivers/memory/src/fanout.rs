use std::sync::{Arc, Mutex};

use pubsub_api::{
    Counter, Envelope, HELLO, PeerId, PeerReading, PublisherEpoch, QueueReading, Request, Status, hello,
};

use crate::endpoint::Endpoint;
use crate::lock::lock;
use crate::replies::Replies;
use crate::request_link::RequestLink;
use crate::request_queue::RequestQueue;
use crate::stream::Stream;

/// The links of one network publisher: the subscribers that are linked to it now.
#[derive(Debug)]
pub(crate) struct Fanout {
    endpoint: Endpoint,
    links: Mutex<Links>,
    requests: Arc<RequestQueue>,
    sent: Counter,
}

#[derive(Debug, Default)]
struct Links {
    all: Vec<Link>,
    /// The epoch in the last hello that had one.
    publisher_epoch: Option<PublisherEpoch>,
    requesters: Vec<Arc<RequestLink>>,
}

/// A subscriber, with the address by which it knows the publisher.
#[derive(Debug)]
struct Link {
    address: Endpoint,
    stream: Arc<Stream>,
}

impl Link {
    fn is(&self, address: &Endpoint, stream: &Arc<Stream>) -> bool {
        self.address == *address && Arc::ptr_eq(&self.stream, stream)
    }
}

impl Fanout {
    /// A publisher bound to `endpoint`, without subscribers.
    pub(crate) fn new(endpoint: Endpoint, requests: Arc<RequestQueue>) -> Self {
        Self { endpoint, links: Mutex::default(), requests, sent: Counter::new("events_sent") }
    }

    /// Where it is bound.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Offers an event to every subscriber, without waiting. If it is a hello with a new epoch, subscribers are
    /// notified of the epoch first.
    pub(crate) fn send(&self, envelope: &Envelope) {
        self.sent.add(1);
        let mut links = lock(&self.links);
        if envelope.topic == HELLO
            && let Some(publisher_epoch) = hello::publisher_epoch(&envelope.payload)
            && links.publisher_epoch.replace(publisher_epoch) != Some(publisher_epoch)
        {
            for link in &links.all {
                link.stream.subscribed(&link.address.to_string(), publisher_epoch);
            }
        }
        for link in &links.all {
            link.stream.offer(envelope);
        }
    }

    /// Links a subscriber, and notifies it.
    pub(crate) fn link(&self, address: &Endpoint, stream: &Arc<Stream>) {
        let mut links = lock(&self.links);
        stream.link_up(&address.to_string(), links.publisher_epoch);
        links.all.push(Link { address: address.clone(), stream: Arc::clone(stream) });
    }

    /// Unlinks a subscriber at its own request; it is notified only that its requests are lost.
    pub(crate) fn unlink(&self, address: &Endpoint, stream: &Arc<Stream>) {
        let mut links = lock(&self.links);
        links.all.retain(|link| !link.is(address, stream));
        links.requesters.retain(|requester| {
            let stays = !requester.is(address, stream);
            if !stays {
                requester.lose("the address was unregistered");
            }
            stays
        });
    }

    /// Unlinks every subscriber, and notifies them.
    pub(crate) fn unlink_all(&self) {
        const REASON: &str = "the publisher was closed";
        let Links { all, requesters, .. } = std::mem::take(&mut *lock(&self.links));
        for link in all {
            link.stream.link_down(&link.address.to_string(), REASON);
        }
        for requester in requesters {
            requester.lose(REASON);
        }
        self.requests.end();
    }

    /// Whether this subscriber is linked under this address.
    pub(crate) fn has(&self, address: &Endpoint, stream: &Arc<Stream>) -> bool {
        lock(&self.links).all.iter().any(|link| link.is(address, stream))
    }

    /// Puts a request of a linked subscriber into the queue; `false` if the queue is full.
    pub(crate) fn request(
        &self,
        address: &Endpoint,
        stream: &Arc<Stream>,
        replies: &Arc<Replies>,
        envelope: Envelope,
    ) -> bool {
        let mut links = lock(&self.links);
        let known = links
            .requesters
            .iter()
            .find(|requester| requester.is(address, stream))
            .map(|requester| requester.peer());
        let peer = known.unwrap_or_else(|| {
            let requester = Arc::new(RequestLink::new(address, stream, replies));
            links.requesters.push(Arc::clone(&requester));
            requester.peer()
        });
        self.requests.put(Request::new(peer, envelope))
    }

    /// The subscriber with this request id, if it is still linked.
    pub(crate) fn requester(&self, peer: PeerId) -> Option<Arc<RequestLink>> {
        lock(&self.links).requesters.iter().find(|requester| requester.peer() == peer).map(Arc::clone)
    }

    /// The status: one peer per linked subscriber.
    pub(crate) fn status(&self) -> Status {
        let mut counters = vec![self.sent.read()];
        counters.extend(self.requests.counters());
        let queues: Vec<QueueReading> = vec![self.requests.queue()];
        let links = lock(&self.links);
        let reading =
            |link: &Link| PeerReading { endpoint: link.address.to_string(), state: "subscribed".to_owned() };
        Status { counters, queues, peers: links.all.iter().map(reading).collect(), ..Status::default() }
    }
}
