//! A network driver that does what a test demands, and the publisher on it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use delivery::{Control, PublisherOptions, StampedPublisher};
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Batch, Envelope, Error, ErrorKind, Event, PeerId, Publisher, Request, Requests, Result, Status,
    SubscribersSeen, SubscriptionSeen, Topic,
};
use sealing::SealingOptions;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::Instant;

/// The receivers of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    All,
    Peer(PeerId),
}

#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) sent: Mutex<Vec<(Duration, To, Envelope)>>,
    pub(crate) answers: Mutex<Vec<(PeerId, Envelope)>>,
    pub(crate) is_overloaded: AtomicBool,
    /// A peer that takes no answers.
    pub(crate) stalled: AtomicU64,
    seen: AsyncMutex<mpsc::Receiver<SubscriptionSeen>>,
    requests: AsyncMutex<mpsc::Receiver<Request>>,
    start: Instant,
}

/// What a test puts into the fake.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) seen: mpsc::Sender<SubscriptionSeen>,
    pub(crate) requests: mpsc::Sender<Request>,
}

impl Fake {
    pub(crate) fn new() -> (Arc<Self>, Inputs) {
        let (seen, seen_by) = mpsc::channel(99);
        let (requests, requested) = mpsc::channel(99);
        let fake = Self {
            sent: Mutex::default(),
            answers: Mutex::default(),
            is_overloaded: AtomicBool::new(false),
            stalled: AtomicU64::new(u64::MAX),
            seen: AsyncMutex::new(seen_by),
            requests: AsyncMutex::new(requested),
            start: Instant::now(),
        };
        (Arc::new(fake), Inputs { seen, requests })
    }

    fn note(&self, to: To, topic: &Topic, payload: &Bytes) {
        let envelope = Envelope { topic: topic.clone(), payload: payload.clone() };
        self.sent.lock().unwrap().push((self.start.elapsed(), to, envelope));
    }

    /// What was sent on topics of applications: topic and number.
    pub(crate) fn numbers(&self) -> Vec<(String, u64)> {
        let sent = self.sent.lock().unwrap();
        let events = sent.iter().filter(|(_, _, event)| !event.topic.is_reserved());
        events.map(|(_, _, event)| (event.topic.to_string(), stamp(event).sequence)).collect()
    }

    /// What was sent on the topics of marks.
    pub(crate) fn controls(&self) -> Vec<(Duration, To, Control)> {
        let sent = self.sent.lock().unwrap();
        let control = |event: &Envelope| Control::read(&event.topic, &event.payload).ok().flatten();
        sent.iter().filter_map(|(at, to, event)| Some((*at, *to, control(event)?))).collect()
    }
}

pub(crate) fn stamp(event: &Envelope) -> pubsub_api::Stamp {
    EventRef::read(event.topic.as_bytes(), &event.payload).unwrap().stamp.unwrap()
}

#[async_trait]
impl Publisher for Fake {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        if self.is_overloaded.load(Ordering::Relaxed) && !topic.is_reserved() {
            return Err(Error::new(ErrorKind::Overloaded, "no room, as this test wants it"));
        }
        self.note(To::All, topic, &payload);
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

    fn subscribers_seen(&self) -> Option<&dyn SubscribersSeen> {
        Some(self)
    }

    fn requests(&self) -> Option<&dyn Requests> {
        Some(self)
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Closed, "the test has ended")
}

#[async_trait]
impl SubscribersSeen for Fake {
    async fn next(&self) -> Result<SubscriptionSeen> {
        self.seen.lock().await.recv().await.ok_or_else(ended)
    }

    fn send_to(&self, peer: PeerId, topic: &Topic, payload: &Bytes) -> bool {
        self.note(To::Peer(peer), topic, payload);
        true
    }
}

#[async_trait]
impl Requests for Fake {
    async fn next(&self) -> Result<Request> {
        self.requests.lock().await.recv().await.ok_or_else(ended)
    }

    async fn answer(&self, peer: PeerId, envelopes: &mut Batch) -> Result<()> {
        if self.stalled.load(Ordering::Relaxed) == peer.0 {
            std::future::pending::<()>().await;
        }
        while let Some(envelope) = envelopes.first_envelope() {
            self.answers.lock().unwrap().push((peer, envelope?));
            envelopes.advance(1);
        }
        Ok(())
    }
}

/// A publisher over a new fake, with its ring in this folder.
pub(crate) async fn stamped(state_dir: Option<&Path>) -> (StampedPublisher, Arc<Fake>, Inputs) {
    let options = PublisherOptions {
        state_dir: state_dir.map(Path::to_owned),
        ring_bytes: 1 << 20,
        snapshot_bytes: 1 << 20,
        max_topics: 100,
    };
    stamped_as(options).await
}

/// The same with these options.
pub(crate) async fn stamped_as(options: PublisherOptions) -> (StampedPublisher, Arc<Fake>, Inputs) {
    sealed_as(options, None).await
}

/// The same, sealing its events.
pub(crate) async fn sealed_as(
    options: PublisherOptions,
    sealing: Option<SealingOptions>,
) -> (StampedPublisher, Arc<Fake>, Inputs) {
    let (fake, inputs) = Fake::new();
    let driver = Arc::clone(&fake) as Arc<dyn Publisher>;
    let stamped = StampedPublisher::new(driver, "id".to_owned(), options).with_sealing(sealing);
    stamped.initialize().await.unwrap();
    (stamped, fake, inputs)
}

pub(crate) fn event(topic: &str, key: &str) -> Envelope {
    let topic = Topic::new(topic.to_owned()).unwrap();
    Envelope::pack(&Event::new("lport", key, "set".into(), "v", topic)).unwrap()
}

pub(crate) fn batch(topics: &[&str]) -> Batch {
    let mut batch = Batch::new();
    batch.extend(topics.iter().map(|topic| event(topic, "k")));
    batch
}

/// Waits until there is what a test wants, for half a minute.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "waited in vain for {what}");
        // The wait helper itself.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
