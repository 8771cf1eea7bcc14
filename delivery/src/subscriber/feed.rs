mod on_broker;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use pubsub_api::wire::EventRef;
use pubsub_api::{
    CounterReading, Envelope, Incarnation, Notice, PeerReading, QueueReading, Reply, Stamp, Topic,
};

use super::context::Context;
use super::counters::Counters;
use super::held::Held;
use super::line::Line;
use super::lines::Lines;
use super::{FeedOptions, Item, Origin, SavedPosition};
use crate::{Control, Position};

/// All that a subscriber follows: which publisher is behind which link, in which of its lives, and how far it is on each
/// topic. No clock, no I/O: time comes in as a duration since some start, requests go out by [`requests`](Feed::requests).
///
/// - A publisher is known by its hello, which comes over a link; what is stamped by one that has not said hello waits.
/// - A link that is gone makes its publisher's topics stale; its next hello, and then marks, prove them again.
/// - A publisher that says hello in another life goes on in its old line, if no link claims that any more. If one does, two
///   publishers have one id: that is told, and they are followed apart.
/// - On a broker it is different: nobody says hello there, and nobody can be asked
///   ([`FeedOptions::introduced`](FeedOptions)).
#[derive(Debug)]
pub struct Feed {
    options: FeedOptions,
    lines: Lines,
    /// Whose hello came over which link.
    links: HashMap<String, Incarnation>,
    /// The broker's node whose link stands, on a broker.
    broker: Option<String>,
    resumed: HashMap<u64, Vec<(Topic, Position)>>,
    held: Held,
    items: VecDeque<Item>,
    requests: Vec<(String, Envelope)>,
    counters: Counters,
    random: fastrand::Rng,
    retire_at: Duration,
}

/// How often something is due while a topic is behind or a link is fresh.
const BUSY_TICK: Duration = Duration::from_millis(20);

/// How often it is looked whether topics are to be forgotten.
const IDLE_TICK: Duration = Duration::from_secs(60);

impl Feed {
    /// One that follows nothing yet.
    #[must_use]
    pub fn new(options: FeedOptions) -> Self {
        // Requests go over the link to a publisher, and on a broker there is none.
        let options = FeedOptions { asks: options.asks && options.introduced, ..options };
        Self {
            options,
            lines: Lines::default(),
            links: HashMap::new(),
            broker: None,
            resumed: HashMap::new(),
            held: Held::default(),
            items: VecDeque::new(),
            requests: Vec::new(),
            counters: Counters::default(),
            random: fastrand::Rng::with_seed(options.seed),
            retire_at: IDLE_TICK,
        }
    }

    /// Goes on from where an earlier life of the application was.
    pub fn resume(&mut self, positions: impl IntoIterator<Item = SavedPosition>) {
        for SavedPosition { publisher, topic, position } in positions {
            self.resumed.entry(publisher).or_default().push((topic, position));
        }
    }

    /// The next item for the application.
    pub fn next_item(&mut self) -> Option<Item> {
        self.items.pop_front()
    }

    /// What is to be asked now: endpoints, as they were registered, and requests.
    pub fn requests(&mut self) -> Vec<(String, Envelope)> {
        std::mem::take(&mut self.requests)
    }

    /// When [`tick`](Self::tick) is to be called at the latest.
    #[must_use]
    pub fn next_tick(&self, now: Duration) -> Duration {
        // On a broker nothing is asked, and lines are many.
        let is_busy = self.options.introduced && self.lines.iter().any(Line::is_busy);
        now + if is_busy { BUSY_TICK } else { IDLE_TICK }
    }

    /// Whether the application has taken all items.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.items.is_empty()
    }

    /// How far the application is, once it has taken all items.
    #[must_use]
    pub fn positions(&self) -> Vec<SavedPosition> {
        let mut positions = Vec::new();
        for line in self.lines.iter() {
            let publisher = line.incarnation.publisher;
            let saved =
                |(topic, position): (&Topic, _)| SavedPosition { publisher, topic: topic.clone(), position };
            positions.extend(line.positions().map(saved));
        }
        for (publisher, topics) in &self.resumed {
            let saved = |(topic, position): &(Topic, Position)| SavedPosition {
                publisher: *publisher,
                topic: topic.clone(),
                position: *position,
            };
            positions.extend(topics.iter().map(saved));
        }
        positions
    }

    /// An envelope came in the stream.
    pub fn message(&mut self, envelope: Envelope, now: Duration) {
        match stamp_of(&envelope) {
            Ok(Some(stamp)) => self.stamped(envelope, stamp, now),
            Ok(None) => {
                self.counters.unverified += u64::from(!envelope.topic.is_reserved());
                self.items.push_back(Item::Event { envelope, origin: Origin::Unverified });
            }
            Err(cause) => self.counters.bad(cause),
        }
    }

    fn stamped(&mut self, envelope: Envelope, stamp: Stamp, now: Duration) {
        let of = Incarnation { publisher: stamp.publisher, epoch: stamp.epoch };
        if !self.options.introduced {
            return self.give_on_broker(of, envelope, stamp, now);
        }
        match self.lines.of(of) {
            Some(line) => self.give(line, envelope, stamp, now),
            None => self.counters.overflowed += self.held.put(of, envelope),
        }
    }

    fn give(&mut self, line: usize, envelope: Envelope, stamp: Stamp, now: Duration) {
        let (line, mut context) = self.split(line, now);
        let Some(line) = line else { return };
        if !envelope.topic.is_reserved() {
            if stamp.sequence == 0 {
                // Numbers count from 1 (reliability.md X11).
                context.counters.bad("no_number");
            } else if line.has_room_for(&envelope.topic, &context) {
                line.event(envelope, stamp, &mut context);
            } else {
                context.counters.untracked += 1;
                context.items.push_back(Item::Event { envelope, origin: Origin::Unverified });
            }
        } else {
            match Control::read(&envelope.topic, &envelope.payload) {
                Ok(Some(control)) => line.control(control, &mut context),
                Ok(None) => {}
                Err(refused) => context.counters.bad(refused.cause()),
            }
        }
        line.ask(&mut context);
    }

    fn add_line(&mut self, of: Incarnation, endpoint: &str, now: Duration) -> usize {
        let added = self.lines.add(Line::new(of, endpoint.to_owned()));
        let positions = self.resumed.remove(&of.publisher).unwrap_or_default();
        let (line, context) = self.split(added, now);
        if let Some(line) = line {
            positions.into_iter().for_each(|(topic, at)| line.resume(topic, at, &context));
        }
        added
    }

    /// A line, and what it works with.
    fn split(&mut self, line: usize, now: Duration) -> (Option<&mut Line>, Context<'_>) {
        let context = Context {
            now,
            options: &self.options,
            random: &mut self.random,
            items: &mut self.items,
            requests: &mut self.requests,
            counters: &mut self.counters,
        };
        (self.lines.get_mut(line), context)
    }

    /// The driver told something about the stream.
    pub fn notice(&mut self, notice: Notice, now: Duration) {
        let told = match &notice {
            Notice::Subscribed { publisher, incarnation } => Some((publisher.clone(), Ok(*incarnation))),
            Notice::LinkDown { publisher, reason } => Some((publisher.clone(), Err(reason.clone()))),
            Notice::Stale { reason, .. } if !self.options.introduced => {
                self.broker_refuses(reason, now);
                None
            }
            _ => None,
        };
        self.items.push_back(Item::Notice(notice));
        let Some((endpoint, told)) = told else { return };
        match (self.options.introduced, told) {
            (true, Ok(Some(incarnation))) => self.introduced(&endpoint, incarnation, now),
            (true, Ok(None)) => {}
            (true, Err(reason)) => self.link_lost(&endpoint, &reason, now),
            (false, Ok(_)) => self.link_stands(&endpoint),
            (false, Err(reason)) => self.broker_lost(&endpoint, &reason, now),
        }
    }

    fn introduced(&mut self, endpoint: &str, of: Incarnation, now: Duration) {
        self.links.insert(endpoint.to_owned(), of);
        let line = self.lines.of(of).or_else(|| self.abandoned_line(endpoint, of));
        let line = line.unwrap_or_else(|| self.add_line(of, endpoint, now));
        if let (Some(line), mut context) = self.split(line, now) {
            line.prove(of, endpoint, &mut context);
        }
        self.look_for_disputes(of.publisher);
        for envelope in self.held.release(of) {
            self.message(envelope, now);
        }
        if let Some(line) = self.lines.of(of)
            && let (Some(line), mut context) = self.split(line, now)
        {
            line.tell_live(&mut context);
        }
    }

    /// The line of an earlier life of the publisher, which no link claims any more; the one of this endpoint first.
    fn abandoned_line(&self, endpoint: &str, of: Incarnation) -> Option<usize> {
        let is_abandoned = |line: &Line| !self.links.values().any(|life| *life == line.incarnation);
        let mut abandoned = self.lines.of_publisher(of.publisher).filter(|(_, line)| is_abandoned(line));
        let here = abandoned.clone().find(|(_, line)| line.endpoint == endpoint);
        here.or_else(|| abandoned.next()).map(|(line, _)| line)
    }

    /// Tells if several live links claim one id in different lives.
    fn look_for_disputes(&mut self, publisher: u64) {
        let mut lives: Vec<(&String, &Incarnation)> =
            self.links.iter().filter(|(_, life)| life.publisher == publisher).collect();
        lives.sort();
        let is_disputed = lives.iter().any(|(_, life)| lives.first().is_some_and(|(_, first)| life != first));
        let publishers = lives.iter().map(|(endpoint, _)| (*endpoint).clone()).collect();
        let mut is_new = false;
        for line in self.lines.iter_mut().filter(|line| line.incarnation.publisher == publisher) {
            is_new |= is_disputed && !line.is_disputed;
            line.is_disputed = is_disputed;
        }
        if is_new {
            let id = format!("{publisher:016x}");
            self.items.push_back(Item::Notice(Notice::DuplicatePublisher { id, publishers }));
        }
    }

    fn link_lost(&mut self, endpoint: &str, reason: &str, now: Duration) {
        let Some(life) = self.links.remove(endpoint) else { return };
        let other =
            self.links.iter().find(|(_, other)| **other == life).map(|(endpoint, _)| endpoint.clone());
        let Some(line) = self.lines.of(life) else { return };
        if let (Some(line), mut context) = self.split(line, now) {
            match other {
                Some(other) => line.endpoint = other,
                None => line.unprove(reason, &mut context),
            }
        }
        self.look_for_disputes(life.publisher);
    }

    /// The application has left an address for good.
    pub fn address_left(&mut self, endpoint: &str, now: Duration) {
        self.link_lost(endpoint, "its address was unregistered", now);
    }

    /// The application wants some topics no more: only what `wants` tells is followed from now on.
    pub fn topics_left(&mut self, wants: impl Fn(&Topic) -> bool) {
        self.lines.iter_mut().for_each(|line| line.retain(&wants));
    }

    /// A part of an answer came, or the connection for requests is gone.
    pub fn reply(&mut self, reply: Reply, now: Duration) {
        let (Reply::Part { endpoint, .. } | Reply::Lost { endpoint, .. } | Reply::Refused { endpoint, .. }) =
            &reply;
        let is_asked = |line: &Line| line.endpoint == *endpoint && line.is_proved;
        let Some(line) = self.lines.iter().position(is_asked) else { return };
        let (Some(line), mut context) = self.split(line, now) else { return };
        match reply {
            Reply::Part { envelope, .. } => line.answered(envelope, &mut context),
            Reply::Lost { .. } => line.request_lost(&mut context),
            Reply::Refused { .. } => line.requests_refused(&mut context),
        }
        line.ask(&mut context);
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration) {
        for line in 0..self.lines.len() {
            if let (Some(line), mut context) = self.split(line, now) {
                line.tick(&mut context);
            }
        }
        if now >= self.retire_at {
            self.retire_at = now + IDLE_TICK;
            let remembered = self.options.remembered;
            self.lines.iter_mut().for_each(|line| line.retire_silent(now, remembered));
            let Self { lines, links, .. } = self;
            lines.retain(|line| line.topics() > 0 || links.values().any(|life| *life == line.incarnation));
            // Who published to a broker before this application began, and was silent since, has died: nobody comes back
            // under its random id.
            if !self.options.introduced && now >= remembered {
                self.resumed.clear();
            }
        }
    }

    /// Counters as they are now.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterReading> {
        self.counters.read()
    }

    /// What is held back, and its bounds.
    #[must_use]
    pub fn queues(&self) -> Vec<QueueReading> {
        let waiting: usize = self.lines.iter().map(Line::waiting_bytes).sum();
        let when_full = "they are dropped, and asked for again".to_owned();
        let mut queues = vec![
            QueueReading {
                name: "gap_buffers".to_owned(),
                depth: waiting as u64,
                bound: self.options.buffers_bytes as u64,
                unit: "bytes".to_owned(),
                when_full: when_full.clone(),
            },
            QueueReading {
                name: "before_hello".to_owned(),
                depth: self.held.len() as u64,
                bound: Held::MAX_EVENTS as u64,
                unit: "events".to_owned(),
                when_full,
            },
        ];
        queues.extend((!self.options.introduced).then(|| self.followed()));
        queues
    }

    /// How it stands with each publisher: `live`, `recovering`, `proving`, `stale`. On a broker: with the link, and with at
    /// most a hundred publishers that are not live.
    #[must_use]
    pub fn publishers(&self) -> Vec<PeerReading> {
        if !self.options.introduced {
            return self.broker_and_publishers();
        }
        let reading =
            |line: &Line| PeerReading { endpoint: line.endpoint.clone(), state: line.state().to_owned() };
        self.lines.iter().map(reading).collect()
    }
}

/// The stamp of an envelope, after its map was checked.
fn stamp_of(envelope: &Envelope) -> Result<Option<Stamp>, &'static str> {
    let event =
        EventRef::read(envelope.topic.as_bytes(), &envelope.payload).map_err(|refused| refused.cause())?;
    let is_control = envelope.topic.is_reserved() && envelope.topic.marked().is_none();
    Ok(event.stamp.filter(|_| !is_control))
}
