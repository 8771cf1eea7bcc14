use std::sync::{Arc, Mutex};

use pubsub_api::{
    Counter, Envelope, HELLO, Incarnation, PeerId, PeerReading, QueueReading, Request, Status, hello,
};

use crate::asker::Asker;
use crate::endpoint::Endpoint;
use crate::lock::lock;
use crate::replies::Replies;
use crate::request_queue::RequestQueue;
use crate::stream::Stream;

/// One network publisher's end: the subscribers that are linked to it now.
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
    /// Of the last hello that told one.
    incarnation: Option<Incarnation>,
    askers: Vec<Arc<Asker>>,
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

    /// Gives an event to every subscriber that wants it, and waits for none of them. A hello that tells another
    /// incarnation than the last one is told before it.
    pub(crate) fn send(&self, envelope: &Envelope) {
        self.sent.add(1);
        let mut links = lock(&self.links);
        if envelope.topic == HELLO
            && let Some(told) = hello::incarnation(&envelope.payload)
            && links.incarnation.replace(told) != Some(told)
        {
            for link in &links.all {
                link.stream.subscribed(&link.address.to_string(), told);
            }
        }
        for link in &links.all {
            link.stream.offer(envelope);
        }
    }

    /// Links a subscriber, and tells it.
    pub(crate) fn link(&self, address: &Endpoint, stream: &Arc<Stream>) {
        let mut links = lock(&self.links);
        stream.link_up(&address.to_string(), links.incarnation);
        links.all.push(Link { address: address.clone(), stream: Arc::clone(stream) });
    }

    /// Lets a subscriber go, which asked for it and so is told nothing but that its requests are lost.
    pub(crate) fn unlink(&self, address: &Endpoint, stream: &Arc<Stream>) {
        let mut links = lock(&self.links);
        links.all.retain(|link| !link.is(address, stream));
        links.askers.retain(|asker| {
            let stays = !asker.is(address, stream);
            if !stays {
                asker.replies().lose(asker, "the address was unregistered");
            }
            stays
        });
    }

    /// Lets every subscriber go, and tells them.
    pub(crate) fn unlink_all(&self) {
        const REASON: &str = "the publisher was closed";
        let Links { all, askers, .. } = std::mem::take(&mut *lock(&self.links));
        for link in all {
            link.stream.link_down(&link.address.to_string(), REASON);
        }
        for asker in askers {
            asker.replies().lose(&asker, REASON);
        }
        self.requests.end();
    }

    /// Whether this subscriber is linked under this address.
    pub(crate) fn has(&self, address: &Endpoint, stream: &Arc<Stream>) -> bool {
        lock(&self.links).all.iter().any(|link| link.is(address, stream))
    }

    /// Asks for a linked subscriber; `false` if there is no room for its request.
    pub(crate) fn ask(
        &self,
        address: &Endpoint,
        stream: &Arc<Stream>,
        replies: &Arc<Replies>,
        envelope: Envelope,
    ) -> bool {
        let mut links = lock(&self.links);
        let known = links.askers.iter().find(|asker| asker.is(address, stream)).map(|asker| asker.peer());
        let peer = known.unwrap_or_else(|| {
            let asker = Arc::new(Asker::new(address, stream, replies));
            links.askers.push(Arc::clone(&asker));
            asker.peer()
        });
        self.requests.put(Request { peer, envelope })
    }

    /// Who asked under this id, if it is still there.
    pub(crate) fn asker(&self, peer: PeerId) -> Option<Arc<Asker>> {
        lock(&self.links).askers.iter().find(|asker| asker.peer() == peer).map(Arc::clone)
    }

    /// What can be read of it: one peer per linked subscriber.
    pub(crate) fn status(&self) -> Status {
        let mut counters = vec![self.sent.read()];
        counters.extend(self.requests.counters());
        let queues: Vec<QueueReading> = vec![self.requests.queue()];
        let links = lock(&self.links);
        let reading =
            |link: &Link| PeerReading { endpoint: link.address.to_string(), state: "subscribed".to_owned() };
        Status { counters, queues, peers: links.all.iter().map(reading).collect() }
    }
}
