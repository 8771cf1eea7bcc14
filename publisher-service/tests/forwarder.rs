//! The forwarder between two ends of this test's own: faults that no real driver can be made to show at will.

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use publisher_service::Forwarder;
use pubsub_api::{
    Action, Envelope, Error, ErrorKind, Event, Incoming, Publisher, Result, SEND_ALL, Status, Subscriber,
    Topic,
};
use tokio::sync::mpsc;

/// A network whose `send` does as the value of the event says.
#[derive(Debug, Default)]
struct Network {
    sent: Mutex<Vec<Bytes>>,
    overloads: AtomicU32,
}

#[async_trait]
impl Publisher for Network {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, _: &Topic, payload: Bytes) -> Result<()> {
        let holds = |word: &str| payload.windows(word.len()).any(|window| window == word.as_bytes());
        if holds("fail") {
            return Err(Error::new(ErrorKind::Unavailable, "no network, as this test wants it"));
        }
        if holds("patience") && self.overloads.fetch_add(1, Ordering::Relaxed) < 5 {
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
    Incoming::Message(Envelope::pack(&event).unwrap())
}

fn junk() -> Incoming {
    Incoming::Message(Envelope { topic: SEND_ALL, payload: Bytes::from_static(b"junk") })
}

async fn forward(events: Vec<Incoming>) -> (Arc<Forwarder>, Arc<Network>) {
    let (queue, incoming) = mpsc::channel(100);
    for event in events {
        queue.send(event).await.unwrap();
    }
    drop(queue);
    let network = Arc::new(Network::default());
    let workers = Arc::new(Workers(tokio::sync::Mutex::new(incoming)));
    let forwarder = Arc::new(Forwarder::new(workers, Arc::clone(&network) as Arc<dyn Publisher>));
    Arc::clone(&forwarder).supervise().await;
    (forwarder, network)
}

#[tokio::test]
async fn one_bad_event_costs_itself_and_no_other() {
    let (forwarder, network) = forward(vec![event("one"), junk(), event("fail"), event("two")]).await;
    assert_eq!(network.sent.lock().unwrap().len(), 2);
    assert_eq!((forwarder.published(), forwarder.dropped()), (2, 2));
    let status = forwarder.status();
    assert_eq!(status.counter("events_dropped", Some("not_a_map")), 1);
    assert_eq!(status.counter("events_dropped", Some("unavailable")), 1);
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
    assert_eq!(network.sent.lock().unwrap().len(), 3);
    assert_eq!(forwarder.status().counter("events_dropped", Some("internal")), 2);
}

#[tokio::test]
async fn a_stopped_forwarder_leaves_what_follows_to_the_drain() {
    let (queue, incoming) = mpsc::channel(100);
    let network = Arc::new(Network::default());
    let workers = Arc::new(Workers(tokio::sync::Mutex::new(incoming)));
    let forwarder = Arc::new(Forwarder::new(workers, Arc::clone(&network) as Arc<dyn Publisher>));
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
