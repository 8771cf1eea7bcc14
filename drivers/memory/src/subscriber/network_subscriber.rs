use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pubsub_api::{
    Envelope, Error, Incoming, PeerReading, Reply, Requester, Result, Status, Subscriber, Subscription,
};

use crate::endpoint::Endpoint;
use crate::hub::Hub;
use crate::lock::lock;
use crate::replies::Replies;
use crate::request_queue::MAX_REQUEST_BYTES;
use crate::settings::MemorySettings;
use crate::stream::Stream;

/// The network subscriber: joins every registered publisher address, whether or not a publisher is bound there.
#[derive(Debug)]
pub(crate) struct NetworkSubscriber {
    stream: Arc<Stream>,
    replies: Arc<Replies>,
    links: Mutex<Links>,
}

#[derive(Debug)]
struct Links {
    addresses: Vec<Endpoint>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    Closed,
}

impl NetworkSubscriber {
    /// Creates one that has joined no publisher yet.
    pub(crate) fn new(settings: &MemorySettings) -> Self {
        Self {
            stream: Arc::new(Stream::new(settings.queue_events)),
            replies: Arc::new(Replies::new(settings.queue_events)),
            links: Mutex::new(Links { addresses: Vec::new(), phase: Phase::New }),
        }
    }

    fn leave_all(&self) {
        let mut links = lock(&self.links);
        links.phase = Phase::Closed;
        self.replies.close();
        for address in &links.addresses {
            Hub::of_this_process().leave(address, &self.stream);
        }
        self.stream.close();
    }
}

#[async_trait]
impl Subscriber for NetworkSubscriber {
    async fn initialize(&self) -> Result<()> {
        let mut links = lock(&self.links);
        match links.phase {
            Phase::Closed => return Err(Error::closed("subscriber")),
            Phase::Running => return Ok(()),
            Phase::New => links.phase = Phase::Running,
        }
        for address in &links.addresses {
            Hub::of_this_process().join(address, &self.stream);
        }
        Ok(())
    }

    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        let address: Endpoint = endpoint.parse()?;
        let mut links = lock(&self.links);
        if links.addresses.contains(&address) {
            return Ok(false);
        }
        if links.phase == Phase::Running {
            Hub::of_this_process().join(&address, &self.stream);
        }
        links.addresses.push(address);
        Ok(true)
    }

    fn unregister_listen_address(&self, endpoint: &str) -> bool {
        let Ok(address) = endpoint.parse::<Endpoint>() else { return false };
        let mut links = lock(&self.links);
        let Some(position) = links.addresses.iter().position(|known| *known == address) else { return false };
        links.addresses.remove(position);
        Hub::of_this_process().leave(&address, &self.stream);
        true
    }

    fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        self.stream.register_topic(subscription)
    }

    fn unregister_topic(&self, subscription: &Subscription) -> bool {
        self.stream.unregister_topic(subscription)
    }

    async fn recv(&self) -> Result<Incoming> {
        self.stream.recv().await
    }

    fn requester(&self) -> Option<&dyn Requester> {
        Some(self)
    }

    async fn close(&self) {
        self.leave_all();
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        let links = lock(&self.links);
        let reading = |address: &Endpoint| {
            let linked = Hub::of_this_process().is_linked(address, &self.stream);
            let state = if linked { "subscribed" } else { "connecting" };
            PeerReading { endpoint: address.to_string(), state: state.to_owned() }
        };
        Status {
            counters: self.stream.counters(),
            queues: vec![
                self.stream.queue("new events are dropped, counted, and reported as a gap"),
                self.replies.queue(),
            ],
            peers: links.addresses.iter().map(reading).collect(),
            ..Status::default()
        }
    }
}

#[async_trait]
impl Requester for NetworkSubscriber {
    fn request(&self, endpoint: &str, request: Envelope) -> bool {
        let Ok(address) = endpoint.parse::<Endpoint>() else { return false };
        let bytes = request.topic.as_bytes().len() + request.payload.len();
        if !request.topic.is_reserved() || bytes > MAX_REQUEST_BYTES {
            return false;
        }
        let links = lock(&self.links);
        links.phase == Phase::Running
            && links.addresses.contains(&address)
            && Hub::of_this_process().request(&address, &self.stream, &self.replies, request)
    }

    async fn next(&self) -> Result<Reply> {
        self.replies.next().await
    }
}

impl Drop for NetworkSubscriber {
    fn drop(&mut self) {
        self.leave_all();
    }
}
