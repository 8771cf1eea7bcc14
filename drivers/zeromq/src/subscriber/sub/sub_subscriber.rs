use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use async_trait::async_trait;
use pubsub_api::settings::check_tcp_endpoint;
use pubsub_api::{
    Error, Incoming, MAX_SUBSCRIPTIONS, QueueReading, Result, Status, Subscriber, Subscription, Subscriptions,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::link::{LinkCounters, LinkState, SubLink, SubLinkParts};
use crate::ZmqSettings;

/// The agent's end of the network hop: one SUB socket per publisher, each with its own link.
///
/// All links put events into one queue of `recv_queue_events`. The topic is checked again when an event leaves the queue,
/// because ZeroMQ filters by prefix, and events of a cancelled subscription may still be in flight.
#[derive(Debug)]
pub struct SubSubscriber {
    settings: ZmqSettings,
    wanted: RwLock<Subscriptions>,
    /// The prefixes that links subscribe to; each link applies a new value.
    filters: watch::Sender<Arc<Vec<String>>>,
    links: Mutex<Links>,
    incoming: tokio::sync::Mutex<mpsc::Receiver<Incoming>>,
    counters: Arc<LinkCounters>,
}

#[derive(Debug)]
struct Links {
    by_endpoint: BTreeMap<String, Link>,
    running: bool,
    /// `None` after `close`.
    queue: Option<mpsc::Sender<Incoming>>,
}

#[derive(Debug)]
struct Link {
    state: Arc<LinkState>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl SubSubscriber {
    pub(crate) fn new(settings: ZmqSettings) -> Self {
        let (queue, incoming) = mpsc::channel(settings.recv_queue_events);
        Self {
            settings,
            wanted: RwLock::default(),
            filters: watch::Sender::new(Arc::default()),
            links: Mutex::new(Links { by_endpoint: BTreeMap::new(), running: false, queue: Some(queue) }),
            incoming: tokio::sync::Mutex::new(incoming),
            counters: Arc::default(),
        }
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, endpoint: &str, queue: mpsc::Sender<Incoming>, state: &Arc<LinkState>) -> JoinHandle<()> {
        let link = SubLink::new(SubLinkParts {
            endpoint: endpoint.to_owned(),
            handshake_timeout: self.settings.handshake_timeout,
            dead_after: self.settings.dead_after,
            filters: self.filters.subscribe(),
            queue,
            counters: Arc::clone(&self.counters),
            state: Arc::clone(state),
        });
        tokio::spawn(link.run())
    }

    /// Sends the unique prefixes to the links. Prefixes of `$hello` come last, so that the first hello confirms the others (the
    /// link appends `$hello` itself).
    fn publish_filters(&self, wanted: &Subscriptions) {
        let mut filters: Vec<String> = wanted.iter().map(|subscription| prefix(&subscription)).collect();
        filters.sort_unstable_by(|one, other| place(one).cmp(&place(other)));
        filters.dedup();
        self.filters.send_replace(Arc::new(filters));
    }

    /// Adds one prefix without sorting all, because thousands of topics are registered one by one.
    fn add_filter(&self, subscription: &Subscription) {
        let prefix = prefix(subscription);
        self.filters.send_modify(|filters| {
            if let Err(at) = filters.binary_search_by(|filter| place(filter).cmp(&place(&prefix))) {
                Arc::make_mut(filters).insert(at, prefix);
            }
        });
    }

    fn wants(&self, incoming: &Incoming) -> bool {
        match incoming {
            Incoming::Notice(_) => true,
            Incoming::Event(envelope) => {
                self.wanted.read().unwrap_or_else(PoisonError::into_inner).wants(&envelope.topic)
            }
        }
    }
}

#[async_trait]
impl Subscriber for SubSubscriber {
    async fn initialize(&self) -> Result<()> {
        let mut links = self.links();
        let Some(queue) = links.queue.clone() else { return Err(Error::closed("subscriber")) };
        links.running = true;
        for (endpoint, link) in &mut links.by_endpoint {
            if link.task.is_none() {
                link.task = Some(self.start(endpoint, queue.clone(), &link.state));
            }
        }
        Ok(())
    }

    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        check_tcp_endpoint("zmq_pubsub_driver", endpoint)?;
        let mut links = self.links();
        let Some(queue) = links.queue.clone() else { return Err(Error::closed("subscriber")) };
        if links.by_endpoint.contains_key(endpoint) {
            return Ok(false);
        }
        let state = Arc::default();
        let task = links.running.then(|| self.start(endpoint, queue, &state));
        links.by_endpoint.insert(endpoint.to_owned(), Link { state, task });
        Ok(true)
    }

    fn unregister_listen_address(&self, endpoint: &str) -> bool {
        self.links().by_endpoint.remove(endpoint).is_some()
    }

    fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        let mut wanted = self.wanted.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = wanted.insert_below(MAX_SUBSCRIPTIONS, subscription.clone())?;
        if is_new {
            self.add_filter(&subscription);
        }
        Ok(is_new)
    }

    fn unregister_topic(&self, subscription: &Subscription) -> bool {
        let mut wanted = self.wanted.write().unwrap_or_else(PoisonError::into_inner);
        let changed = wanted.remove(subscription);
        if changed {
            self.publish_filters(&wanted);
        }
        changed
    }

    async fn recv(&self) -> Result<Incoming> {
        let mut incoming = self.incoming.lock().await;
        loop {
            match incoming.recv().await {
                None => return Err(Error::closed("subscriber")),
                Some(next) if self.wants(&next) => return Ok(next),
                Some(_) => {}
            }
        }
    }

    async fn close(&self) {
        let mut links = self.links();
        links.by_endpoint.clear();
        links.queue = None;
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        let links = self.links();
        let depth = links.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity());
        let queues = vec![QueueReading::new(
            "recv_queue",
            "events",
            (depth, self.settings.recv_queue_events),
            "the driver stops reading, and the publisher waits",
        )];
        let peers = links.by_endpoint.iter().map(|(endpoint, link)| link.state.read(endpoint)).collect();
        Status { counters: self.counters.read(), queues, peers, ..Status::default() }
    }
}

fn prefix(subscription: &Subscription) -> String {
    String::from_utf8_lossy(subscription.literal_prefix()).into_owned()
}

/// The sort key of filters.
fn place(filter: &str) -> (bool, &str) {
    (pubsub_api::HELLO.as_str().starts_with(filter), filter)
}
