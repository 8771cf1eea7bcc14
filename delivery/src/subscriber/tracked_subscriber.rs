use std::collections::HashSet;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pubsub_api::{
    Batch, Error, ErrorKind, HELLO, MAX_TOPICS, Notice, Pattern, Reply, Requester, Result, Status,
    Subscriber, Subscription,
};
use tokio::time::sleep_until;

use super::{Feed, FeedOptions, Introduction, Item, SavedLink, SavedPosition};

/// A driver's subscriber whose events are tracked: what is missing is noticed, asked for, and told.
///
/// It is read by one task; everything is done while that waits in [`recv`](Self::recv). When the application does not read,
/// nothing is taken from the driver, whose queue is bounded.
#[derive(Debug)]
pub struct TrackedSubscriber {
    subscriber: Arc<dyn Subscriber>,
    feed: Mutex<Feed>,
    wanted: Mutex<HashSet<Subscription>>,
    /// Whether hellos are asked for; the application gets them only if it asks for them, too.
    hears_hellos: bool,
    wants_hellos: AtomicBool,
    /// Received, and not yet given to the feed.
    received: tokio::sync::Mutex<Received>,
    started: Instant,
}

#[derive(Debug, Default)]
struct Received {
    batch: Batch,
    /// What stands behind the batch.
    notice: Option<Notice>,
    /// When the feed is to be told the time: also if there is always something to receive.
    tick_at: Duration,
}

/// What woke the reader.
enum Woken {
    Received(Option<Notice>),
    Replied(Reply),
    Tick,
}

impl TrackedSubscriber {
    /// Wraps a driver's subscriber, which is not initialized yet.
    pub fn new(subscriber: Arc<dyn Subscriber>, options: FeedOptions) -> Self {
        let asks = options.asks && subscriber.requester().is_some();
        Self {
            hears_hellos: match options.introduction {
                Introduction::ByHello => true,
                Introduction::ByBroker => false,
            },
            wants_hellos: AtomicBool::new(false),
            subscriber,
            feed: Mutex::new(Feed::new(FeedOptions { asks, ..options })),
            wanted: Mutex::default(),
            received: tokio::sync::Mutex::default(),
            started: Instant::now(),
        }
    }

    fn feed(&self) -> MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Goes on where an application has stopped, if it still has all that it was given up to there. Call it before
    /// [`initialize`](Self::initialize).
    pub fn resume(&self, positions: impl IntoIterator<Item = SavedPosition>) {
        self.feed().resume(positions);
    }

    /// The same for what each endpoint led to: an endpoint that leads to another publisher now yields a `Resync`.
    pub fn resume_links(&self, links: impl IntoIterator<Item = SavedLink>) {
        self.feed().resume_links(links);
    }

    /// As [`Subscriber::initialize`].
    ///
    /// # Errors
    /// As [`Subscriber::initialize`].
    pub async fn initialize(&self) -> Result<()> {
        if self.hears_hellos {
            // Behind one link there may be several publishers, of which one may fall silent.
            self.subscriber.register_topic(HELLO.into())?;
        }
        self.subscriber.initialize().await
    }

    /// As [`Subscriber::register_listen_address`].
    ///
    /// # Errors
    /// As [`Subscriber::register_listen_address`].
    pub fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        // What the driver reports about it from now on waits until the feed knows it.
        let mut feed = self.feed();
        let is_new = self.subscriber.register_listen_address(endpoint)?;
        feed.address_registered(endpoint);
        Ok(is_new)
    }

    /// As [`Subscriber::unregister_listen_address`]. How far it was there is remembered for a while.
    pub fn unregister_listen_address(&self, endpoint: &str) -> bool {
        let was_there = self.subscriber.unregister_listen_address(endpoint);
        self.feed().address_left(endpoint, self.now());
        was_there
    }

    /// As [`Subscriber::register_topic`]; the marks of the topic are asked for, too, and first.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] above [`MAX_TOPICS`].
    pub fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted.contains(&subscription) {
            return Ok(false);
        }
        if wanted.len() >= MAX_TOPICS {
            let text = format!("a subscriber has at most {MAX_TOPICS} topics and patterns");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        self.subscriber.register_topic(marks_of(&subscription)?)?;
        self.subscriber.register_topic(subscription.clone())?;
        wanted.insert(subscription);
        self.note_hellos(&wanted);
        Ok(true)
    }

    fn note_hellos(&self, wanted: &HashSet<Subscription>) {
        let wants_hellos = wanted.iter().any(|wanted| wanted.wants(&HELLO));
        self.wants_hellos.store(wants_hellos, Ordering::Relaxed);
    }

    /// Whether an item is for the application.
    fn is_wanted(&self, item: &Item) -> bool {
        match item {
            Item::Event { envelope, .. } if self.hears_hellos && envelope.topic == HELLO => {
                self.wants_hellos.load(Ordering::Relaxed)
            }
            _ => true,
        }
    }

    /// As [`Subscriber::unregister_topic`].
    pub fn unregister_topic(&self, subscription: &Subscription) -> bool {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let was_wanted = wanted.remove(subscription);
        self.note_hellos(&wanted);
        if let Ok(marks) = marks_of(subscription) {
            self.subscriber.unregister_topic(&marks);
        }
        self.feed().topics_left(|topic| wanted.iter().any(|wanted| wanted.wants(topic)));
        if self.hears_hellos && *subscription == HELLO.into() {
            return was_wanted;
        }
        self.subscriber.unregister_topic(subscription)
    }

    /// The next event, snapshot or notice; waits for it.
    ///
    /// # Errors
    /// As [`Subscriber::recv`].
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call yields what this one would have.
    pub async fn recv(&self) -> Result<Item> {
        let received = &mut *self.received.lock().await;
        let requester = self.subscriber.requester();
        loop {
            if let Some(item) = self.work(received, requester) {
                return Ok(item);
            }
            let tick_at = self.started + received.tick_at;
            let woken = tokio::select! {
                notice = self.subscriber.recv_batch(&mut received.batch) => Woken::Received(notice?),
                reply = replies(requester) => Woken::Replied(reply?),
                () = sleep_until(tick_at.into()) => Woken::Tick,
            };
            match woken {
                Woken::Received(notice) => received.notice = notice,
                Woken::Replied(reply) => self.feed().reply(reply, self.now()),
                Woken::Tick => {}
            }
        }
    }

    /// Gives the feed what was received, until that has an item; and sends what it asks for.
    fn work(&self, received: &mut Received, requester: Option<&dyn Requester>) -> Option<Item> {
        let (now, mut feed) = (self.now(), self.feed());
        if received.tick_at <= now {
            feed.tick(now);
            received.tick_at = feed.next_tick(now);
        }
        let item = loop {
            match feed.next_item() {
                Some(item) if self.is_wanted(&item) => break Some(item),
                Some(_) => continue,
                None => {}
            }
            match received.batch.first_envelope() {
                Some(Ok(envelope)) => {
                    received.batch.advance(1);
                    feed.message(envelope, now);
                }
                // The driver has checked the topics of its events.
                Some(Err(_)) => received.batch.advance(1),
                None => match received.notice.take() {
                    Some(notice) => feed.notice(notice, now),
                    None => break None,
                },
            }
        };
        received.tick_at = received.tick_at.min(feed.next_tick(now));
        if let Some(requester) = requester {
            for (endpoint, request) in feed.requests() {
                // One that finds no room is asked again when its time is over.
                requester.request(&endpoint, request);
            }
        }
        item
    }

    /// How far the application is by what [`recv`](Self::recv) has yielded. Call it between two calls of that, when it would
    /// wait: what it has still to yield is reckoned in.
    pub fn positions(&self) -> Vec<SavedPosition> {
        self.feed().positions()
    }

    /// The same at any time between two calls of [`recv`](Self::recv), also while there is always more to receive; `None` if
    /// the next call yields something that is reckoned in already, which is so for a few calls at most.
    pub fn settled_positions(&self) -> Option<Vec<SavedPosition>> {
        let feed = self.feed();
        feed.is_settled().then(|| feed.positions())
    }

    /// Which publishers each endpoint leads to, at the same moment as [`positions`](Self::positions).
    pub fn links(&self) -> Vec<SavedLink> {
        self.feed().links()
    }

    /// Ends the links.
    pub async fn close(&self) {
        self.subscriber.close().await;
    }

    /// Counters, queues and links of the driver as they are now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.subscriber.status()
    }

    /// The same of delivery: what was repeated, missing, asked for, and how it stands with each publisher (`live`,
    /// `recovering`, `proving`, `stale`).
    #[must_use]
    pub fn delivery_status(&self) -> Status {
        let feed = self.feed();
        Status { counters: feed.counters(), queues: feed.queues(), peers: feed.publishers() }
    }
}

async fn replies(requester: Option<&dyn Requester>) -> Result<Reply> {
    match requester {
        Some(requester) => requester.next().await,
        None => pending().await,
    }
}

/// The subscription to the marks of what is subscribed to.
fn marks_of(subscription: &Subscription) -> Result<Subscription> {
    Ok(match subscription {
        Subscription::Topic(topic) => topic.mark().into(),
        Subscription::Pattern(pattern) => format!("$mark.{pattern}").parse::<Pattern>()?.into(),
    })
}
