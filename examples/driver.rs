//! A complete driver, to copy: workers and service of one process, joined by a bounded queue for each socket path.
//!
//! A driver is a library crate that registers itself; a program links it with `use example_driver as _;`, and the settings
//! choose it: `pub_sub_multiproc_driver = "example_multiproc_driver"`. The conformance suite checks it.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::settings::{Kind, Settings, declare_settings};
use pubsub_api::{
    Capabilities, Counter, Driver, Envelope, Error, ErrorKind, Incoming, PubSubApi, Publisher, QueueReading,
    Result, Role, Status, Subscriber, Topic, wire,
};
use tokio::sync::watch;
use tokio::time::timeout;

declare_settings! {
    /// The section `[drivers.example]`.
    pub(crate) struct ExampleSettings in "drivers.example" {
        /// The number of events that wait for the service. When the queue is full, `send` waits for `send_timeout` and then
        /// fails as overloaded.
        queue_events: usize = "10000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
    }
}

inventory::submit! {
    Driver {
        alias: "example_multiproc_driver",
        roles: &[Role::Multiproc],
        summary: "a bounded queue within one process: an example to copy",
        capabilities: Capabilities {
            bounded: true,
            limits: &["Within one process only.", "Events that wait in the queue are lost when the process ends."],
            ..Capabilities::NONE
        },
        settings: ExampleSettings::TABLE,
        open: |settings, _| Ok(Arc::new(ExampleDriver::open(settings)?)),
    }
}

/// The path between workers and service. Drivers with one socket path share its queue, which the process keeps.
#[derive(Debug, Clone)]
struct ExampleDriver {
    endpoint: String,
    bound: usize,
    send_timeout: Duration,
    linger: Duration,
    queue: watch::Sender<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Envelope>,
    /// The id of the subscriber that is bound here.
    reader: Option<u64>,
    /// The events that had arrived at each closed subscriber.
    left: BTreeMap<u64, VecDeque<Envelope>>,
}

impl PubSubApi for ExampleDriver {
    fn publisher(&self) -> Arc<dyn Publisher> {
        let (closed, sent) = (AtomicBool::new(false), Counter::new("events_sent"));
        Arc::new(ExamplePublisher { driver: self.clone(), closed, sent })
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (id, received) = (NEXT.fetch_add(1, Ordering::Relaxed), Counter::new("events_received"));
        Arc::new(ExampleSubscriber { driver: self.clone(), id, received })
    }
}

impl ExampleDriver {
    fn open(settings: &Settings) -> Result<Self> {
        static QUEUES: Mutex<BTreeMap<PathBuf, watch::Sender<Queue>>> = Mutex::new(BTreeMap::new());
        let (bound, pubsub) = (ExampleSettings::read(settings)?.queue_events, settings.pubsub());
        let path = &pubsub.publisher_multiproc_socket;
        let endpoint = format!("example://{}", path.display());
        let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.entry(path.clone()).or_default().clone();
        Ok(Self { endpoint, bound, send_timeout: pubsub.send_timeout, linger: pubsub.linger, queue })
    }

    /// Waits until accepted events have left the publishers: a reader has them, or there are none.
    async fn handed_over_within(&self, patience: Duration) -> Result<()> {
        let mut queue = self.queue.subscribe();
        let handed_over = queue.wait_for(|queue| queue.reader.is_some() || queue.events.is_empty());
        if timeout(patience, handed_over).await.is_ok() {
            return Ok(());
        }
        let (endpoint, waiting) = (&self.endpoint, self.queue.borrow().events.len());
        let text = format!("no service reads {endpoint} within {patience:?}: {waiting} events wait there");
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    fn status(&self, counter: &Counter) -> Status {
        let (depth, when_full) =
            (self.queue.borrow().events.len(), "send waits for send_timeout, then fails as overloaded");
        let queue = QueueReading::new("queue", "events", (depth, self.bound), when_full);
        Status { counters: vec![counter.read()], queues: vec![queue], ..Status::default() }
    }
}

/// The end of a worker.
#[derive(Debug)]
struct ExamplePublisher {
    driver: ExampleDriver,
    closed: AtomicBool,
    sent: Counter,
}

#[async_trait]
impl Publisher for ExamplePublisher {
    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::closed("publisher"));
        }
        wire::check_size(&payload)?;
        let ExampleDriver { endpoint, bound, queue, .. } = &self.driver;
        // `Some` until the event is accepted, which is one step: a dropped `send` has accepted it or not.
        let mut event = Some(Envelope { topic: topic.clone(), payload });
        let mut changes = queue.subscribe();
        let accepted = timeout(self.driver.send_timeout, async {
            while !queue.send_if_modified(|queue| {
                queue.events.extend(if queue.events.len() < *bound { event.take() } else { None });
                event.is_none()
            }) {
                let _ = changes.changed().await;
            }
        });
        let overloaded = || format!("{endpoint} is full: its {bound} events are not read");
        accepted.await.map_err(|_| Error::new(ErrorKind::Overloaded, overloaded()))?;
        self.sent.add(1);
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        self.driver.handed_over_within(self.driver.send_timeout).await
    }

    async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.driver.handed_over_within(self.driver.linger).await
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.driver.endpoint.clone())
    }

    fn status(&self) -> Status {
        self.driver.status(&self.sent)
    }
}

/// The end of the service.
#[derive(Debug)]
struct ExampleSubscriber {
    driver: ExampleDriver,
    id: u64,
    received: Counter,
}

#[async_trait]
impl Subscriber for ExampleSubscriber {
    async fn initialize(&self) -> Result<()> {
        self.driver.queue.send_modify(|queue| queue.reader = queue.reader.or(Some(self.id)));
        let text = || format!("{} is in use by another subscriber of this process", self.driver.endpoint);
        self.endpoint().map(drop).ok_or_else(|| Error::new(ErrorKind::Unavailable, text()))
    }

    async fn recv(&self) -> Result<Incoming> {
        let (mut changes, mut next, mut is_closed) = (self.driver.queue.subscribe(), None, false);
        loop {
            self.driver.queue.send_if_modified(|queue| {
                let is_bound = queue.reader == Some(self.id);
                let left = queue.left.get_mut(&self.id);
                is_closed = left.is_some();
                next = left.or(is_bound.then_some(&mut queue.events)).and_then(VecDeque::pop_front);
                next.is_some()
            });
            match next.take() {
                Some(event) => {
                    self.received.add(1);
                    return Ok(Incoming::Event(event));
                }
                None if is_closed => return Err(Error::closed("subscriber")),
                None => drop(changes.changed().await),
            }
        }
    }

    async fn close(&self) {
        self.driver.queue.send_modify(|queue| {
            let is_bound = queue.reader.take_if(|reader| *reader == self.id).is_some();
            let arrived = if is_bound { std::mem::take(&mut queue.events) } else { VecDeque::new() };
            queue.left.entry(self.id).or_insert(arrived);
        });
    }

    fn endpoint(&self) -> Option<String> {
        (self.driver.queue.borrow().reader == Some(self.id)).then(|| self.driver.endpoint.clone())
    }

    fn status(&self) -> Status {
        self.driver.status(&self.received)
    }
}

impl Drop for ExampleSubscriber {
    fn drop(&mut self) {
        self.driver.queue.send_modify(|queue| {
            queue.reader.take_if(|reader| *reader == self.id);
            queue.left.remove(&self.id);
        });
    }
}
