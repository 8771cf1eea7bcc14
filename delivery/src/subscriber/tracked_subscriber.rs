mod receiving;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pubsub_api::{
    CounterReading, Error, ErrorKind, HELLO, LatencyCounter, MARK_PREFIX, MAX_TOPICS, Notice, Pattern,
    Result, Status, Subscriber, Subscription, Topic,
};
use sealing::OpeningOptions;
use tokio::task::JoinSet;

use receiving::Received;

use super::{AppliedStream, Feed, FeedOptions, Introduction, Item, SavedLink, SavedPosition};
use crate::AppliedReport;
use crate::keyring_watch::watch;

/// A driver's subscriber whose events are tracked: missing events are detected, requested, and reported.
///
/// One task reads it; all work is done while that waits in [`recv`](Self::recv). While the application does not read, nothing
/// is taken from the driver, whose queue is bounded.
#[derive(Debug)]
pub struct TrackedSubscriber {
    subscriber: Arc<dyn Subscriber>,
    feed: Mutex<Feed>,
    wanted: Mutex<HashSet<Subscription>>,
    /// Whether hellos are subscribed to; the application receives them only if it subscribes to them itself.
    hears_hellos: bool,
    wants_hellos: AtomicBool,
    /// Received, and not yet passed to the feed.
    received: tokio::sync::Mutex<Received>,
    started: Instant,
    /// From the time in the stamp until the event was received.
    latency: LatencyCounter,
    opening: Option<OpeningOptions>,
    /// Follows the keyring.
    tasks: Mutex<JoinSet<()>>,
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
            latency: LatencyCounter::new("receive_latency"),
            opening: None,
            tasks: Mutex::default(),
        }
    }

    /// Opens sealed events, before anything counts them. Without it they stay sealed, and their values are nil.
    #[must_use]
    pub fn with_opening(self, opening: Option<OpeningOptions>) -> Self {
        Self { opening, ..self }
    }

    fn feed(&self) -> MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Resumes from saved positions, if the application still has everything up to them. Call it before
    /// [`initialize`](Self::initialize).
    pub fn resume(&self, positions: impl IntoIterator<Item = SavedPosition>) {
        self.feed().resume(positions);
    }

    /// Resumes with saved links: an endpoint that leads to another publisher now yields a `Resync`.
    pub fn resume_links(&self, links: impl IntoIterator<Item = SavedLink>) {
        self.feed().resume_links(links);
    }

    /// As [`Subscriber::initialize`]; it opens the keyring first.
    ///
    /// # Errors
    /// As [`Subscriber::initialize`], and [`ErrorKind::Settings`] for a wrong keyring.
    pub async fn initialize(&self) -> Result<()> {
        if let Some(opening) = &self.opening {
            let opener = opening.open()?;
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            tasks.abort_all();
            tasks.spawn(watch(Some(opener.keyring())));
            self.feed().open_with(opener);
        }
        if self.hears_hellos {
            // A link may lead to several publishers, of which one may fall silent.
            self.subscriber.register_topic(HELLO.into())?;
        }
        self.subscriber.initialize().await
    }

    /// As [`Subscriber::register_listen_address`].
    ///
    /// # Errors
    /// As [`Subscriber::register_listen_address`].
    pub fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        // The driver's reports about it are handled after the feed knows it.
        let mut feed = self.feed();
        let is_new = self.subscriber.register_listen_address(endpoint)?;
        feed.address_registered(endpoint);
        Ok(is_new)
    }

    /// As [`Subscriber::unregister_listen_address`]. The positions there are remembered for a while.
    pub fn unregister_listen_address(&self, endpoint: &str) -> bool {
        let was_there = self.subscriber.unregister_listen_address(endpoint);
        self.feed().address_left(endpoint, self.now());
        was_there
    }

    /// As [`Subscriber::register_topic`]; it subscribes to the marks of the topic first.
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

    /// Whether the application receives an item.
    fn is_wanted(&self, item: &Item) -> bool {
        match item {
            Item::Event { envelope, .. } if self.hears_hellos && envelope.topic == HELLO => {
                self.wants_hellos.load(Ordering::Relaxed)
            }
            // The marks of a topic are subscribed to by this, and refused with it.
            Item::Notice(Notice::SubscriptionRefused { subscription, .. })
                if subscription.as_bytes().starts_with(MARK_PREFIX) =>
            {
                let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
                wanted.iter().any(|wanted| wanted.to_string() == *subscription)
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

    /// As [`Feed::suspend_live`]; its notices come with the next items.
    pub fn suspend_live(&self, reason: &str) {
        self.feed().suspend_live(reason);
    }

    /// As [`Feed::request_again`]; its notices come with the next items.
    pub fn request_again(&self, topics: Option<&HashSet<Topic>>) {
        self.feed().request_again(topics, self.now());
    }

    /// The position of the application after all items that were yielded. Call it between two calls of
    /// [`recv`](Self::recv), when `recv` would wait: positions include items not yet yielded.
    pub fn positions(&self) -> Vec<SavedPosition> {
        self.feed().positions()
    }

    /// As [`positions`](Self::positions), at any time between two calls of [`recv`](Self::recv); `None` if the next call yields
    /// an item that the positions already include. After [`recv_items`](Self::recv_items) that is the case only for items of a
    /// call from another task, such as [`suspend_live`](Self::suspend_live).
    pub fn settled_positions(&self) -> Option<Vec<SavedPosition>> {
        let received = self.received.try_lock().ok()?;
        let feed = self.feed();
        (received.items.is_empty() && feed.is_settled()).then(|| feed.positions())
    }

    /// How far the application is on the topics of each publisher that takes reports; `None` at the moments when
    /// [`settled_positions`](Self::settled_positions) is.
    pub fn applied(&self) -> Option<Vec<AppliedStream>> {
        let received = self.received.try_lock().ok()?;
        let feed = self.feed();
        (received.items.is_empty() && feed.is_settled()).then(|| feed.applied())
    }

    /// Sends a report to the publisher at an endpoint. Returns `false` if it was dropped, because too many requests wait or there is no
    /// such link: a later report repeats it.
    ///
    /// # Errors
    /// As [`AppliedReport::pack`].
    pub fn report(&self, endpoint: &str, report: &AppliedReport) -> Result<bool> {
        let Some(requester) = self.subscriber.requester() else { return Ok(false) };
        Ok(requester.request(endpoint, report.pack()?))
    }

    /// The publishers that each endpoint leads to, at the same moment as [`positions`](Self::positions).
    pub fn links(&self) -> Vec<SavedLink> {
        self.feed().links()
    }

    /// Closes the links.
    pub async fn close(&self) {
        self.subscriber.close().await;
    }

    /// The current counters, queues and links of the driver.
    #[must_use]
    pub fn status(&self) -> Status {
        self.subscriber.status()
    }

    /// The current status of delivery: duplicates, missing events, requests, and the state of each publisher (`live`,
    /// `recovering`, `proving`, `stale`, `overfull`, `suspended`).
    #[must_use]
    pub fn delivery_status(&self) -> Status {
        let feed = self.feed();
        let mut counters = feed.counters();
        let silence = feed.silence(self.now()).unwrap_or_default();
        let value = u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
        counters.push(CounterReading { name: "hello_age_ms".to_owned(), cause: None, value });
        Status {
            counters,
            queues: feed.queues(),
            peers: feed.publishers(),
            latencies: vec![self.latency.read()],
            ..Status::default()
        }
    }
}

/// The subscription to the marks of a subscription.
fn marks_of(subscription: &Subscription) -> Result<Subscription> {
    Ok(match subscription {
        Subscription::Topic(topic) => topic.mark().into(),
        Subscription::Pattern(pattern) => format!("$mark.{pattern}").parse::<Pattern>()?.into(),
    })
}
