//! A complete driver, to copy: workers and service of one process, joined by a bounded queue for each socket path.
//!
//! A driver is a library crate that registers itself; a program links it with `use example_driver as _;`, and the settings
//! choose it: `pub_sub_multiproc_driver = "example_multiproc_driver"`. The conformance suite checks it.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::settings::{Kind, Settings, declare_settings};
use pubsub_api::wire::MAX_RECEIVED_BYTES;
use pubsub_api::{
    Capabilities, Counter, Driver, Envelope, Error, ErrorKind, Incoming, PubSubApi, Publisher, QueueReading,
    Result, Role, Status, Subscriber, Topic,
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
        open: |settings, _| Ok(Arc::new(ExampleDriver(Hop::of(settings)?, settings.clone()))),
    }
}

#[derive(Debug)]
struct ExampleDriver(Hop, Settings);

impl PubSubApi for ExampleDriver {
    fn publisher(&self) -> Arc<dyn Publisher> {
        let (hop, pubsub) = (self.0.clone(), self.1.pubsub());
        let (send_timeout, linger) = (pubsub.send_timeout, pubsub.linger);
        let (closed, sent) = (AtomicBool::new(false), Counter::new("events_sent"));
        Arc::new(ExamplePublisher { hop, send_timeout, linger, closed, sent })
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (hop, id) = (self.0.clone(), NEXT.fetch_add(1, Ordering::Relaxed));
        Arc::new(ExampleSubscriber {
            hop,
            id,
            rest: Mutex::default(),
            received: Counter::new("events_received"),
        })
    }
}

/// The path between the workers and the service at one socket path. Both ends share it.
#[derive(Debug, Clone)]
struct Hop {
    path: PathBuf,
    bound: usize,
    queue: Arc<watch::Sender<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Envelope>,
    /// The id of the subscriber that is bound here.
    reader: Option<u64>,
}

impl Queue {
    /// Whether accepted events have left the publishers: a reader has them, or there are none.
    fn is_handed_over(&self) -> bool {
        self.reader.is_some() || self.events.is_empty()
    }
}

impl Hop {
    /// The hop of these settings, with the queue that the other users of its path have.
    fn of(settings: &Settings) -> Result<Self> {
        static QUEUES: Mutex<BTreeMap<PathBuf, Weak<watch::Sender<Queue>>>> = Mutex::new(BTreeMap::new());
        let path: &Path = &settings.pubsub().publisher_multiproc_socket;
        let mut queues = lock(&QUEUES);
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = queues.get(path).and_then(Weak::upgrade).unwrap_or_default();
        queues.insert(path.to_owned(), Arc::downgrade(&queue));
        Ok(Self { path: path.to_owned(), bound: ExampleSettings::read(settings)?.queue_events, queue })
    }

    fn endpoint(&self) -> String {
        format!("example://{}", self.path.display())
    }

    async fn handed_over_within(&self, patience: Duration) -> Result<()> {
        let mut queue = self.queue.subscribe();
        if timeout(patience, queue.wait_for(Queue::is_handed_over)).await.is_ok() {
            return Ok(());
        }
        let text = format!(
            "no service reads {} within {patience:?}: {} events wait there",
            self.endpoint(),
            self.queue.borrow().events.len()
        );
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    fn status(&self, counter: &Counter) -> Status {
        let queue = QueueReading {
            name: "queue".to_owned(),
            depth: self.queue.borrow().events.len() as u64,
            bound: self.bound as u64,
            unit: "events".to_owned(),
            when_full: "send waits for send_timeout, then fails as overloaded".to_owned(),
        };
        Status { counters: vec![counter.read()], queues: vec![queue], peers: Vec::new() }
    }
}

/// The end of a worker.
#[derive(Debug)]
struct ExamplePublisher {
    hop: Hop,
    send_timeout: Duration,
    linger: Duration,
    closed: AtomicBool,
    sent: Counter,
}

#[async_trait]
impl Publisher for ExamplePublisher {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Closed, "the publisher is closed"));
        }
        if payload.len() > MAX_RECEIVED_BYTES {
            let text = format!("an event of {} bytes exceeds {MAX_RECEIVED_BYTES} bytes", payload.len());
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        // `Some` until the event is accepted, which is one step: a dropped `send` has accepted it or not.
        let mut event = Some(Envelope { topic: topic.clone(), payload });
        let mut changes = self.hop.queue.subscribe();
        let accepted = timeout(self.send_timeout, async {
            while !self.hop.queue.send_if_modified(|queue| {
                let next = if queue.events.len() < self.hop.bound { event.take() } else { None };
                queue.events.extend(next);
                event.is_none()
            }) {
                let _ = changes.changed().await;
            }
        });
        let overloaded =
            || format!("{} is full: its {} events are not read", self.hop.endpoint(), self.hop.bound);
        accepted.await.map_err(|_| Error::new(ErrorKind::Overloaded, overloaded()))?;
        self.sent.add(1);
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        self.hop.handed_over_within(self.send_timeout).await
    }

    async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.hop.handed_over_within(self.linger).await
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.hop.endpoint())
    }

    fn status(&self) -> Status {
        self.hop.status(&self.sent)
    }
}

/// The end of the service.
#[derive(Debug)]
struct ExampleSubscriber {
    hop: Hop,
    id: u64,
    /// After `close`, the events that had arrived before it.
    rest: Mutex<Option<VecDeque<Envelope>>>,
    received: Counter,
}

impl ExampleSubscriber {
    fn is_bound(&self) -> bool {
        self.hop.queue.borrow().reader == Some(self.id)
    }

    /// The next event, `None` if there is none yet.
    fn take(&self) -> Result<Option<Envelope>> {
        if let Some(rest) = lock(&self.rest).as_mut() {
            let closed =
                || Error::new(ErrorKind::Closed, "the subscriber is closed, and all events are read");
            return rest.pop_front().map(Some).ok_or_else(closed);
        }
        let mut next = None;
        self.hop.queue.send_if_modified(|queue| {
            next = if queue.reader == Some(self.id) { queue.events.pop_front() } else { None };
            next.is_some()
        });
        Ok(next)
    }

    /// Releases the address, and keeps the events that had arrived.
    fn release(&self) {
        let mut rest = lock(&self.rest);
        self.hop.queue.send_modify(|queue| {
            let is_bound = queue.reader == Some(self.id);
            let arrived = if is_bound { std::mem::take(&mut queue.events) } else { VecDeque::new() };
            queue.reader = queue.reader.filter(|_| !is_bound);
            rest.get_or_insert(arrived);
        });
    }
}

#[async_trait]
impl Subscriber for ExampleSubscriber {
    async fn initialize(&self) -> Result<()> {
        self.hop.queue.send_modify(|queue| queue.reader = queue.reader.or(Some(self.id)));
        if self.is_bound() {
            return Ok(());
        }
        let text = format!("{} is in use by another subscriber of this process", self.hop.endpoint());
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    async fn recv(&self) -> Result<Incoming> {
        let mut changes = self.hop.queue.subscribe();
        loop {
            if let Some(event) = self.take()? {
                self.received.add(1);
                return Ok(Incoming::Event(event));
            }
            let _ = changes.changed().await;
        }
    }

    async fn close(&self) {
        self.release();
    }

    fn endpoint(&self) -> Option<String> {
        self.is_bound().then(|| self.hop.endpoint())
    }

    fn status(&self) -> Status {
        self.hop.status(&self.received)
    }
}

impl Drop for ExampleSubscriber {
    fn drop(&mut self) {
        self.release();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
