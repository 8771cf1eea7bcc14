mod applied;
mod introducing;
mod liveness;
mod metrics;
mod noticing;
mod on_broker;
mod replies;
mod saving;
mod suspended;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use pubsub_api::wire::EventRef;
use pubsub_api::{Envelope, HELLO, PublisherEpoch, Stamp, Topic, hello};
use sealing::{EventOpener, NotOpened};

use super::context::Context;
use super::counters::Counters;
use super::links::Links;
use super::live_latencies::LiveLatencies;
use super::opening::Opening;
use super::pre_hello_buffer::PreHelloBuffer;
use super::publisher_stream::PublisherStream;
use super::publisher_streams::PublisherStreams;
use super::{DeliveryMode, FeedOptions, Introduction, Item};
use crate::{Control, Position};

/// Everything that a subscriber follows: the publishers of each link, their epochs, and the position on each topic. No clock,
/// no I/O: time comes in as a duration since some start, requests go out by [`requests`](Feed::requests).
///
/// - A publisher is known by its hello, which arrives over a link; stamped events of a publisher without a hello wait.
/// - A broken link makes its publishers' topics stale; the next hello of each, and then marks, confirm them again.
/// - A link leads to one publisher as a rule, and to several at a proxy: each is followed. The link is live when all publishers
///   that were ever followed there are, and stale when one of them falls silent.
/// - A link that reconnects to another publisher than before causes a `Resync`: the last events of the former one cannot be
///   requested any more.
/// - A name has a link to each of its addresses. What was stale there is live when its publishers are at other addresses of
///   the name; an address that is removed is a `Resync` if its publisher is heard nowhere else.
/// - A publisher that sends hello in another epoch continues its previous stream unless another link still claims it. Otherwise
///   two publishers have one id: this is reported, and they are followed separately.
/// - On a broker nothing of this holds: there are no hellos and no requests ([`Introduction::ByBroker`]).
#[derive(Debug)]
pub struct Feed {
    options: FeedOptions,
    streams: PublisherStreams,
    links: Links,
    /// The endpoint of the broker's node whose link is up, on a broker.
    broker: Option<String>,
    /// Whether the application cannot keep what it receives.
    is_suspended: bool,
    resumed: HashMap<u64, Vec<(Topic, Position)>>,
    /// Whether saved positions without a link were looked for.
    looked_for_orphans: bool,
    pre_hello: PreHelloBuffer,
    items: VecDeque<Item>,
    requests: Vec<(String, Envelope)>,
    counters: Counters,
    latencies: LiveLatencies,
    opening: Opening,
    random: fastrand::Rng,
    retire_at: Duration,
}

/// The least time between two calls of [`tick`](Feed::tick).
const SHORTEST_TICK: Duration = Duration::from_millis(5);

/// The interval of the check for overdue hellos.
const SLOW_TICK: Duration = Duration::from_secs(5);

/// The interval of the check for topics to forget.
const IDLE_TICK: Duration = Duration::from_secs(60);

impl Feed {
    /// A feed that follows nothing yet.
    #[must_use]
    pub fn new(options: FeedOptions) -> Self {
        let asks = match options.introduction {
            Introduction::ByHello => options.asks,
            // Requests need the link to a publisher, and on a broker there is none.
            Introduction::ByBroker => false,
        };
        let options = FeedOptions { asks, ..options };
        Self {
            options,
            streams: PublisherStreams::default(),
            links: Links::default(),
            broker: None,
            is_suspended: false,
            resumed: HashMap::new(),
            looked_for_orphans: false,
            pre_hello: PreHelloBuffer::default(),
            items: VecDeque::new(),
            requests: Vec::new(),
            counters: Counters::default(),
            latencies: LiveLatencies::default(),
            opening: Opening::default(),
            random: fastrand::Rng::with_seed(options.seed),
            retire_at: IDLE_TICK,
        }
    }

    /// Opens sealed events from now on. An event that cannot be opened is dropped, and its number counts as missing.
    pub fn open_with(&mut self, opener: EventOpener) {
        self.opening = Opening::new(opener);
    }

    /// The next item for the application.
    pub fn next_item(&mut self) -> Option<Item> {
        self.items.pop_front()
    }

    /// All items for the application.
    pub fn take_items(&mut self) -> impl Iterator<Item = Item> {
        self.items.drain(..)
    }

    /// The requests to send now, each with its endpoint as registered.
    pub fn requests(&mut self) -> Vec<(String, Envelope)> {
        std::mem::take(&mut self.requests)
    }

    /// The latest time at which [`tick`](Self::tick) must be called.
    #[must_use]
    pub fn next_tick(&self, now: Duration) -> Duration {
        let due = match self.options.introduction {
            Introduction::ByHello => self.streams.iter().filter_map(PublisherStream::next_due).min(),
            // Nothing is requested, and streams are many.
            Introduction::ByBroker => None,
        };
        let is_settled = self.pre_hello.len() == 0 && self.looked_for_orphans;
        let latest = now + if is_settled { IDLE_TICK } else { SLOW_TICK };
        due.map_or(latest, |due| due.clamp(now + SHORTEST_TICK, latest))
    }

    /// Whether the application has taken all items.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.items.is_empty()
    }

    /// Handles an envelope of the stream.
    pub fn message(&mut self, mut envelope: Envelope, now: Duration) {
        match self.options.introduction {
            Introduction::ByHello if envelope.topic == HELLO => {
                if let Some(stamp) = hello::stamp(&envelope.payload) {
                    self.hello(stamp, now);
                    self.note_reports(stamp, &envelope.payload);
                }
            }
            Introduction::ByHello | Introduction::ByBroker => {}
        }
        match self.opening.open(&mut envelope) {
            Ok(()) => self.opened(envelope, now),
            Err(refused) => self.refuse(&refused, &envelope, now),
        }
    }

    /// Counts and reports an event that cannot be opened: nothing else is known of it.
    fn refuse(&mut self, refused: &NotOpened, envelope: &Envelope, now: Duration) {
        self.counters.bad(refused.cause());
        let publisher = stamp_of(envelope).ok().flatten().map_or(0, |stamp| stamp.publisher);
        let known = self.streams.of_publisher(publisher).next();
        let endpoint = known.map(|(_, stream)| stream.endpoint.clone());
        let notice = self.opening.refuse(refused, envelope, (publisher, endpoint), now);
        self.items.extend(notice.map(Item::Notice));
    }

    /// Handles an envelope that is not sealed, or was opened.
    fn opened(&mut self, envelope: Envelope, now: Duration) {
        match stamp_of(&envelope) {
            Ok(Some(stamp)) => self.stamped(envelope, stamp, now),
            Ok(None) => {
                self.counters.unverified += u64::from(!envelope.topic.is_reserved());
                self.items.push_back(Item::Event { envelope, mode: DeliveryMode::Unverified });
            }
            Err(cause) => self.counters.bad(cause),
        }
    }

    fn stamped(&mut self, envelope: Envelope, stamp: Stamp, now: Duration) {
        let of = PublisherEpoch { publisher: stamp.publisher, epoch: stamp.epoch };
        match (self.options.introduction, self.streams.of(of)) {
            (Introduction::ByHello, Some(stream)) => self.give(stream, envelope, stamp, now),
            (Introduction::ByHello, None) => {
                self.counters.overflowed += self.pre_hello.put(of, envelope, now)
            }
            (Introduction::ByBroker, _) => self.give_on_broker(of, envelope, stamp, now),
        }
    }

    fn give(&mut self, place: usize, envelope: Envelope, stamp: Stamp, now: Duration) {
        self.look_at_delay(place, stamp.time_us, now);
        self.latencies.note(&envelope.topic, stamp.time_us);
        let (stream, mut context) = self.split(place, now);
        let Some(stream) = stream else { return };
        if !envelope.topic.is_reserved() {
            if stamp.sequence == 0 {
                // Sequences begin at 1 (docs/guarantees.md#f63).
                context.counters.bad("no_number");
            } else if stream.has_room_for(&envelope.topic, &context) {
                stream.event(envelope, stamp, &mut context);
            } else {
                stream.no_room(&mut context);
                context.items.push_back(Item::Event { envelope, mode: DeliveryMode::Unverified });
            }
        } else {
            match Control::read(&envelope.topic, &envelope.payload) {
                Ok(Some(control)) => stream.control(control, &mut context),
                Ok(None) => {}
                Err(refused) => context.counters.bad(refused.cause()),
            }
        }
        stream.ask(&mut context);
        self.look_at(place);
    }

    fn add_stream(&mut self, of: PublisherEpoch, endpoint: &str, now: Duration) -> usize {
        let added = self.streams.add(PublisherStream::new(of, endpoint.to_owned()));
        let positions = self.resumed.remove(&of.publisher).unwrap_or_default();
        let (stream, context) = self.split(added, now);
        if let Some(stream) = stream {
            stream.hello_at = now;
            for (topic, at) in positions {
                match topic == HELLO {
                    true => stream.resume_hello(at, now),
                    false => stream.resume(topic, at, &context),
                }
            }
        }
        added
    }

    /// A stream, and its context.
    fn split(&mut self, stream: usize, now: Duration) -> (Option<&mut PublisherStream>, Context<'_>) {
        let context = Context {
            now,
            options: &self.options,
            random: &mut self.random,
            items: &mut self.items,
            requests: &mut self.requests,
            counters: &mut self.counters,
            opening: &mut self.opening,
        };
        (self.streams.get_mut(stream), context)
    }

    /// The application has unsubscribed: only topics for which `wants` returns true are followed from now on.
    pub fn topics_left(&mut self, wants: impl Fn(&Topic) -> bool) {
        self.streams.iter_mut().for_each(|stream| stream.retain(&wants));
    }

    /// Does everything that is due.
    pub fn tick(&mut self, now: Duration) {
        for place in 0..self.streams.len() {
            if let (Some(stream), mut context) = self.split(place, now) {
                stream.tick(&mut context);
            }
            self.look_at(place);
        }
        self.release_overdue(now);
        self.look_for_orphans(now);
        if now >= self.retire_at {
            self.retire_at = now + IDLE_TICK;
            self.retire(now);
        }
    }

    /// Forgets what was silent for long.
    fn retire(&mut self, now: Duration) {
        let remembered = self.options.remembered;
        self.streams.iter_mut().for_each(|stream| stream.retire_silent(now, remembered));
        let Self { streams, links, .. } = self;
        let is_gone = |stream: &PublisherStream, links: &Links| {
            stream.topics() == 0 && stream.last_hello().is_none() && !links.hear(stream.publisher_epoch)
        };
        let forgotten: Vec<u64> = streams
            .iter()
            .filter(|stream| stream.has_forgotten && is_gone(stream, links))
            .map(|stream| stream.publisher_epoch.publisher)
            .collect();
        streams.retain(|stream| !is_gone(stream, links));
        links.note_forgotten(&forgotten);
        links.forget_left(|publisher| streams.of_publisher(publisher).next().is_some());
        if now >= remembered {
            // On a broker, a publisher that was silent since this application started has ended: no process gets its random id
            // again.
            let Self { resumed, links, .. } = self;
            resumed.retain(|publisher, _| links.want(*publisher));
        }
        self.look_for_room(now);
    }
}

/// The stamp of an envelope, after its map was checked.
fn stamp_of(envelope: &Envelope) -> Result<Option<Stamp>, &'static str> {
    let event =
        EventRef::read(envelope.topic.as_bytes(), &envelope.payload).map_err(|refused| refused.cause())?;
    let is_control = envelope.topic.is_reserved() && envelope.topic.marked().is_none();
    Ok(event.stamp.filter(|_| !is_control))
}
