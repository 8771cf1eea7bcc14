//! The forwarder between two ends of this test's own: faults that no real driver can be made to show at will.

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use delivery::{Control, PublisherOptions, StampedPublisher};
use publisher_service::Forwarder;
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Action, Batch, Envelope, Error, ErrorKind, Event, Incoming, Publisher, Result, SEND_ALL, Status,
    Subscriber, Topic, Value,
};
use tokio::sync::mpsc;

/// A network whose `send` does what the value of the event demands.
#[derive(Debug)]
struct Network {
    sent: Mutex<Vec<Bytes>>,
    /// What was published on reserved topics.
    control: Mutex<Vec<Envelope>>,
    /// How often an event that needs patience is still refused.
    overloads_left: AtomicU32,
}

impl Default for Network {
    fn default() -> Self {
        Self { sent: Mutex::default(), control: Mutex::default(), overloads_left: AtomicU32::new(5) }
    }
}

#[async_trait]
impl Publisher for Network {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        if topic.is_reserved() {
            self.control.lock().unwrap().push(Envelope { topic: topic.clone(), payload });
            return Ok(());
        }
        let holds = |word: &str| payload.windows(word.len()).any(|window| window == word.as_bytes());
        if holds("fail") {
            return Err(Error::new(ErrorKind::Unavailable, "no network, as this test wants it"));
        }
        let one_less = |left: u32| left.checked_sub(1);
        let is_overloaded =
            || self.overloads_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
        if holds("patience") && is_overloaded() {
            return Err(Error::new(ErrorKind::Overloaded, "no room yet, as this test wants it"));
        }
        assert!(!holds("panic"), "a defect, as this test wants it");
        self.sent.lock().unwrap().push(payload);
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        Status::default()
    }
}

impl Network {
    /// The numbers of the LOST records, with their causes.
    fn lost(&self) -> Vec<(u64, String)> {
        let control = self.control.lock().unwrap();
        let lost = control.iter().filter_map(|event| match Control::read(&event.topic, &event.payload) {
            Ok(Some(Control::Lost(lost))) => Some((lost.stamp.sequence, lost.cause)),
            _ => None,
        });
        lost.collect()
    }

    /// The numbers of the events.
    fn numbers(&self) -> Vec<u64> {
        let number = |payload: &Bytes| EventRef::read(b"D", payload).unwrap().stamp.unwrap().sequence;
        self.sent.lock().unwrap().iter().map(number).collect()
    }

    fn values(&self) -> Vec<String> {
        let value = |payload: &Bytes| match EventRef::read(b"D", payload).unwrap().to_event().value {
            Value::Text(value) => value,
            other => format!("{other:?}"),
        };
        self.sent.lock().unwrap().iter().map(value).collect()
    }
}

/// The same network with a driver that looks at a whole batch before it accepts any of it.
#[derive(Debug, Default)]
struct WholeBatches(Network);

#[async_trait]
impl Publisher for WholeBatches {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        self.0.send(topic, payload).await
    }

    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        let panics = |payload: &[u8]| payload.windows(5).any(|window| window == b"panic");
        assert!(!batch.iter().any(|event| panics(event.payload)), "a defect, as this test wants it");
        self.0.send_batch(batch).await
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        Status::default()
    }
}

/// Workers whose events the test puts into a channel.
#[derive(Debug)]
struct Workers(tokio::sync::Mutex<mpsc::Receiver<Incoming>>);

#[async_trait]
impl Subscriber for Workers {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn recv(&self) -> Result<Incoming> {
        let next = self.0.lock().await.recv().await;
        next.ok_or_else(|| Error::new(ErrorKind::Closed, "the test has ended"))
    }

    async fn close(&self) {}

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        Status::default()
    }
}

fn event(value: &str) -> Incoming {
    let event = Event::new("lport", "k", Action::Set, value, SEND_ALL);
    Incoming::Event(Envelope::pack(&event).unwrap())
}

fn junk() -> Incoming {
    Incoming::Event(Envelope { topic: SEND_ALL, payload: Bytes::from_static(b"junk") })
}

async fn forward(events: Vec<Incoming>) -> (Arc<Forwarder>, Arc<Network>) {
    let network = Arc::new(Network::default());
    (forward_to(Arc::clone(&network) as Arc<dyn Publisher>, events).await, network)
}

async fn stamped(network: Arc<dyn Publisher>) -> Arc<StampedPublisher> {
    let options =
        PublisherOptions { state_dir: None, ring_bytes: 1 << 20, snapshot_bytes: 1 << 20, max_topics: 99 };
    let stamped = StampedPublisher::new(network, "id".to_owned(), options);
    stamped.initialize().await.unwrap();
    Arc::new(stamped)
}

async fn forward_to(network: Arc<dyn Publisher>, events: Vec<Incoming>) -> Arc<Forwarder> {
    let (queue, incoming) = mpsc::channel(100);
    for event in events {
        queue.send(event).await.unwrap();
    }
    drop(queue);
    let workers = Arc::new(Workers(tokio::sync::Mutex::new(incoming)));
    let forwarder = Arc::new(Forwarder::new(workers, stamped(network).await));
    Arc::clone(&forwarder).supervise().await;
    forwarder
}

#[tokio::test]
async fn one_bad_event_costs_itself_and_no_other() {
    let (forwarder, network) = forward(vec![event("one"), junk(), event("fail"), event("two")]).await;
    assert_eq!(network.sent.lock().unwrap().len(), 2);
    assert_eq!((forwarder.published(), forwarder.dropped()), (2, 1));
    assert_eq!(forwarder.status().counter("events_dropped", Some("not_a_map")), 1);
    assert_eq!((network.numbers(), network.lost()), (vec![1, 3], vec![(2, "refused".to_owned())]));
}

#[tokio::test]
async fn an_overloaded_network_holds_the_workers_back_and_loses_nothing() {
    let (forwarder, network) = forward(vec![event("one"), event("patience"), event("two")]).await;
    assert_eq!(network.sent.lock().unwrap().len(), 3);
    assert_eq!((forwarder.published(), forwarder.dropped()), (3, 0));
}

#[tokio::test]
async fn a_defect_in_the_publish_path_costs_one_event_and_is_counted() {
    let (forwarder, network) =
        forward(vec![event("one"), event("panic"), event("two"), event("panic"), event("three")]).await;
    assert_eq!(network.values(), ["one", "two", "three"]);
    assert_eq!((network.numbers(), forwarder.published()), (vec![1, 3, 5], 3));
    assert_eq!(network.lost(), [2, 4].map(|number| (number, "internal".to_owned())));
}

#[tokio::test]
async fn a_defect_that_a_whole_batch_runs_into_costs_one_event_all_the_same() {
    let network = Arc::new(WholeBatches::default());
    let events = ["one", "two", "panic", "three", "four"].map(event).to_vec();
    let forwarder = forward_to(Arc::clone(&network) as Arc<dyn Publisher>, events).await;
    assert_eq!(network.0.values(), ["one", "two", "three", "four"]);
    assert_eq!((network.0.numbers(), forwarder.published()), (vec![1, 2, 4, 5], 4));
    assert_eq!(network.0.lost(), [(3, "internal".to_owned())]);
    assert_eq!(forwarder.status().counter("forwarder_restarts", Some("internal")), 0);
}

#[tokio::test]
async fn what_an_overloaded_network_does_not_take_is_left_to_the_drain_when_the_forwarder_stops() {
    let (queue, incoming) = mpsc::channel(100);
    for value in ["one", "patience", "two"] {
        queue.send(event(value)).await.unwrap();
    }
    let network = Arc::new(Network { overloads_left: AtomicU32::new(u32::MAX), ..Network::default() });
    let workers = Arc::new(Workers(tokio::sync::Mutex::new(incoming)));
    let forwarder =
        Arc::new(Forwarder::new(workers, stamped(Arc::clone(&network) as Arc<dyn Publisher>).await));
    let running = tokio::spawn(Arc::clone(&forwarder).supervise());
    while network.sent.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(forwarder.publishing_for().is_some(), "the watchdog sees that it stands at one batch");
    forwarder.stop();
    running.await.unwrap();
    assert_eq!(network.values(), ["one"]);
    network.overloads_left.store(0, Ordering::Relaxed);
    drop(queue);
    assert!(forwarder.drain(Duration::from_millis(50), Duration::from_secs(20)).await);
    assert_eq!(forwarder.publishing_for(), None);
    assert_eq!(network.values(), ["one", "patience", "two"]);
    assert_eq!((forwarder.published(), forwarder.dropped()), (3, 0));
}

#[tokio::test]
async fn a_stopped_forwarder_leaves_what_follows_to_the_drain() {
    let (queue, incoming) = mpsc::channel(100);
    let network = Arc::new(Network::default());
    let workers = Arc::new(Workers(tokio::sync::Mutex::new(incoming)));
    let forwarder =
        Arc::new(Forwarder::new(workers, stamped(Arc::clone(&network) as Arc<dyn Publisher>).await));
    let running = tokio::spawn(Arc::clone(&forwarder).supervise());
    queue.send(event("before")).await.unwrap();
    forwarder.stop();
    running.await.unwrap();
    for _ in 0..50 {
        queue.send(event("after")).await.unwrap();
    }
    assert!(
        forwarder.drain(Duration::from_millis(50), Duration::from_secs(20)).await,
        "the workers fell silent"
    );
    assert_eq!(network.sent.lock().unwrap().len(), 51);

    let endless = tokio::spawn(async move { while queue.send(event("more")).await.is_ok() {} });
    assert!(
        !forwarder.drain(Duration::from_millis(50), Duration::from_millis(200)).await,
        "the grace ends it"
    );
    endless.abort();
}
