#[path = "script/answers.rs"]
mod answers;
#[path = "script/words.rs"]
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use delivery::subscriber::{Feed, FeedOptions, Item, SavedLink, SavedPosition};
use delivery::{Control, LossRecord, Mark, Position, SyncReply, SyncReplyKind, SyncRequest};
use pubsub_api::{Action, Envelope, Event, HELLO, Notice, PublisherEpoch, SEND_ALL, Stamp};
use words::words;

/// A feed, its clock, and short words for what goes in and comes out. All is about topic `D`.
pub(crate) struct Script {
    feed: Feed,
    now: Duration,
    /// The publishers' wall clock.
    wall_us: u64,
    last_request: u64,
    /// The publisher of the last hello at each endpoint.
    lives: BTreeMap<String, PublisherEpoch>,
    /// Whether publishers reply that they do not remember their former lives.
    pub(crate) forgets_lives: bool,
}

pub(crate) fn at(epoch: u64, number: u64) -> Position {
    Position { epoch, sequence: number }
}

impl Script {
    pub(crate) fn new(options: FeedOptions) -> Self {
        Self {
            feed: Feed::new(options),
            now: Duration::ZERO,
            wall_us: 0,
            last_request: 0,
            lives: BTreeMap::new(),
            forgets_lives: false,
        }
    }

    pub(crate) fn open_with(&mut self, opener: sealing::EventOpener) {
        self.feed.open_with(opener);
    }

    pub(crate) fn message(&mut self, envelope: Envelope) {
        self.feed.message(envelope, self.now);
    }

    pub(crate) fn resume(&mut self, publisher: u64, position: Position) {
        self.feed.resume([SavedPosition { publisher, topic: SEND_ALL, position }]);
    }

    /// Goes on from what another feed knows.
    pub(crate) fn resume_all(&mut self, before: &Self) {
        self.feed.resume(before.feed.positions());
        self.feed.resume_links(before.feed.links());
    }

    pub(crate) fn resume_link(&mut self, endpoint: &str, publisher: u64) {
        self.feed.resume_links([SavedLink { endpoint: endpoint.to_owned(), publisher }]);
    }

    pub(crate) fn register(&mut self, endpoint: &str) {
        self.feed.address_registered(endpoint);
    }

    pub(crate) fn unregister(&mut self, endpoint: &str) {
        self.feed.address_left(endpoint, self.now);
    }

    /// A name leads to one more address.
    pub(crate) fn address_added(&mut self, endpoint: &str) {
        self.feed.notice(Notice::AddressAdded { publisher: endpoint.to_owned() }, self.now);
    }

    /// A name does not lead to an address any more.
    pub(crate) fn address_removed(&mut self, endpoint: &str) {
        self.feed.notice(Notice::AddressRemoved { publisher: endpoint.to_owned() }, self.now);
    }

    /// The driver reports that a name was never reached.
    pub(crate) fn unreached(&mut self, endpoint: &str) {
        let notice = Notice::Stale { publisher: endpoint.to_owned(), reason: "no answer".to_owned() };
        self.feed.notice(notice, self.now);
    }

    /// Endpoints, and the publishers that they lead to.
    pub(crate) fn links(&self) -> Vec<(String, u64)> {
        self.feed.links().into_iter().map(|link| (link.endpoint, link.publisher)).collect()
    }

    /// A hello in the stream: every second one comes of each publisher.
    pub(crate) fn beat(&mut self, publisher: u64, epoch: u64) {
        self.beat_with(publisher, epoch, 0);
    }

    /// The same with the first number of topics that the publisher does not know; 0 of an older publisher.
    pub(crate) fn beat_with(&mut self, publisher: u64, epoch: u64, first_number: u64) {
        let publisher_epoch = Some(PublisherEpoch { publisher, epoch });
        let hello = pubsub_api::hello::event_with("p", publisher_epoch, first_number);
        self.feed.message(Envelope::pack(&hello).unwrap(), self.now);
    }

    pub(crate) fn data_on(&mut self, topic: &str, publisher: u64, epoch: u64, number: u64) {
        let topic = pubsub_api::Topic::new(topic.to_owned()).unwrap();
        let event = Event::new("t", "k", Action::Set, topic.as_str(), topic.clone());
        let event = Event { stamp: Some(stamp(publisher, at(epoch, number))), ..event };
        self.feed.message(Envelope::pack(&event).unwrap(), self.now);
    }

    pub(crate) fn mark_on(&mut self, topic: &str, publisher: u64, epoch: u64, last: u64) {
        let topic = pubsub_api::Topic::new(topic.to_owned()).unwrap();
        let mark = Mark { topic, stamp: stamp(publisher, at(epoch, last)), oldest: 1, prev: None };
        self.feed.message(mark.pack().unwrap(), self.now);
    }

    /// Time passes, in small steps.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now = self.feed.next_tick(self.now).min(until);
            self.feed.tick(self.now);
        }
    }

    /// Time passes at once, as after a suspension.
    pub(crate) fn jump(&mut self, time: Duration) {
        self.now += time;
        self.feed.tick(self.now);
    }

    /// The publishers' wall clock is set.
    pub(crate) fn set_wall_clock(&mut self, wall_us: u64) {
        self.wall_us = wall_us;
    }

    pub(crate) fn hello(&mut self, endpoint: &str, publisher: u64, epoch: u64) {
        let publisher_epoch = Some(PublisherEpoch { publisher, epoch });
        self.lives.insert(endpoint.to_owned(), PublisherEpoch { publisher, epoch });
        self.feed.notice(Notice::Subscribed { publisher: endpoint.to_owned(), publisher_epoch }, self.now);
    }

    /// The driver's subscriptions stand at a broker's node.
    pub(crate) fn subscribed(&mut self, endpoint: &str) {
        let notice = Notice::Subscribed { publisher: endpoint.to_owned(), publisher_epoch: None };
        self.feed.notice(notice, self.now);
    }

    /// The driver reports that the broker refuses a subscription.
    pub(crate) fn refused(&mut self, endpoint: &str) {
        let notice = Notice::Stale { publisher: endpoint.to_owned(), reason: "no right".to_owned() };
        self.feed.notice(notice, self.now);
    }

    /// The driver reports that this number of events is missing.
    pub(crate) fn gap(&mut self, events: u64) {
        let reason = "too slow".to_owned();
        self.feed.notice(Notice::Gap { topic: None, events, reason }, self.now);
    }

    /// The driver reports that anything may have been missed.
    pub(crate) fn resync_of_all(&mut self) {
        let notice = Notice::Resync { publisher: None, topic: None, reason: "connected again".to_owned() };
        self.feed.notice(notice, self.now);
    }

    pub(crate) fn down(&mut self, endpoint: &str) {
        let notice = Notice::LinkDown { publisher: endpoint.to_owned(), reason: "gone".to_owned() };
        self.feed.notice(notice, self.now);
    }

    pub(crate) fn data(&mut self, publisher: u64, epoch: u64, number: u64, value: &str) {
        let stamp = Stamp { time_us: self.wall_us, ..stamp(publisher, at(epoch, number)) };
        self.feed.message(data(stamp, value), self.now);
    }

    pub(crate) fn unstamped(&mut self, value: &str) {
        let event = Event::new("t", "k", Action::Set, value, SEND_ALL);
        self.feed.message(Envelope::pack(&event).unwrap(), self.now);
    }

    pub(crate) fn mark(&mut self, publisher: u64, epoch: u64, last: u64, prev: Option<Position>) {
        let stamp = Stamp { time_us: self.wall_us, ..stamp(publisher, at(epoch, last)) };
        let mark = Mark { topic: SEND_ALL, stamp, oldest: 1, prev };
        self.feed.message(mark.pack().unwrap(), self.now);
    }

    pub(crate) fn bye(&mut self, publisher: u64, epoch: u64, last: u64) {
        let bye = Control::pack_bye(&SEND_ALL, stamp(publisher, at(epoch, last))).unwrap();
        self.feed.message(bye, self.now);
    }

    /// A `bye` that the publisher repeats; `first` is the first sequence of topics that were not known after the retirement.
    pub(crate) fn bye_again(&mut self, publisher: u64, epoch: u64, last: u64, first: u64) {
        let bye = Control::pack_bye_again(&SEND_ALL, stamp(publisher, at(epoch, last)), first).unwrap();
        self.feed.message(bye, self.now);
    }

    /// The application cannot keep what it receives.
    pub(crate) fn suspend_live(&mut self, reason: &str) {
        self.feed.suspend_live(reason);
    }

    /// The application can keep what it receives again.
    pub(crate) fn request_again(&mut self, topics: Option<&std::collections::HashSet<pubsub_api::Topic>>) {
        self.feed.request_again(topics, self.now);
    }

    pub(crate) fn lost(&mut self, publisher: u64, epoch: u64, number: u64, events: u64) {
        let stamp = stamp(publisher, at(epoch, number));
        let lost = LossRecord { topic: SEND_ALL, stamp, events, cause: "refused".to_owned() };
        self.feed.message(lost.pack().unwrap(), self.now);
    }

    /// What the application received since the last call, in words.
    pub(crate) fn received(&mut self) -> Vec<String> {
        let items = std::iter::from_fn(|| self.feed.next_item());
        let received = items.filter(|item| !matches!(item, Item::Clock(_))).map(|item| words(&item));
        received.filter(|received| received != "hello").collect()
    }

    /// What publishers were asked since: endpoint, topic, epoch and number. Whether they remember their former lives is
    /// answered here.
    pub(crate) fn asked(&mut self) -> Vec<String> {
        let mut asked = Vec::new();
        for (endpoint, request) in self.feed.requests() {
            let SyncRequest { id, items } = SyncRequest::read(&request).unwrap();
            self.last_request = id;
            for want in items {
                let Position { epoch, sequence: number } = want.position;
                if want.topic == HELLO {
                    self.answer_of_lives(id, &endpoint);
                } else {
                    asked.push(format!("{endpoint} {} {epoch}/{number}", want.topic));
                }
            }
        }
        asked
    }

    fn answer_of_lives(&mut self, id: u64, endpoint: &str) {
        let Some(PublisherEpoch { publisher, epoch }) = self.lives.get(endpoint).copied() else { return };
        let kind =
            if self.forgets_lives { SyncReplyKind::Unknown } else { SyncReplyKind::Replay { count: 0 } };
        let answer =
            SyncReply { id, topic: HELLO, stamp: stamp(publisher, at(epoch, 0)), epochs: Vec::new(), kind };
        self.answer(endpoint, answer.pack().unwrap());
    }

    pub(crate) fn positions(&self) -> Vec<Position> {
        self.feed.positions().iter().map(|saved| saved.position).collect()
    }

    /// Endpoint and state of each peer.
    pub(crate) fn peers(&self) -> Vec<String> {
        self.feed.publishers().iter().map(|peer| format!("{} {}", peer.endpoint, peer.state)).collect()
    }

    /// How much is in a queue.
    pub(crate) fn depth(&self, name: &str) -> u64 {
        let queues = self.feed.queues();
        queues.iter().find(|queue| queue.name == name).unwrap().depth
    }

    /// Whether something is due soon.
    pub(crate) fn is_busy(&self) -> bool {
        self.feed.next_tick(self.now) - self.now < Duration::from_secs(1)
    }

    pub(crate) fn counter(&self, name: &str) -> u64 {
        self.feed.counters().iter().filter(|counter| counter.name == name).map(|counter| counter.value).sum()
    }
}

fn stamp(publisher: u64, Position { epoch, sequence: number }: Position) -> Stamp {
    Stamp { publisher, epoch, sequence: number, time_us: 0 }
}

fn data(stamp: Stamp, value: &str) -> Envelope {
    let event = Event { stamp: Some(stamp), ..Event::new("t", "k", Action::Set, value, SEND_ALL) };
    Envelope::pack(&event).unwrap()
}
