mod faults_of_links;

use std::collections::VecDeque;
use std::time::Duration;

use delivery::subscriber::{BufferLimit, FeedOptions};
use pubsub_api::{Envelope, Notice, PublisherEpoch, Reply};

use crate::database::{Database, KEYS};
use crate::faults::Faults;
use crate::service::Service;
use crate::subscriber::Subscriber;

/// The way from one service to the subscriber.
#[derive(Debug)]
struct Link {
    name: String,
    service: Service,
    is_up: bool,
    /// Others have the same address, and nobody can be asked there.
    is_proxied: bool,
    /// Answers do not come before.
    answers_after: Duration,
    stream: VecDeque<Envelope>,
    answers: VecDeque<Envelope>,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    random: fastrand::Rng,
    faults: Faults,
    now: Duration,
    database: Database,
    links: Vec<Link>,
    subscriber: Subscriber,
    /// The id that the next publisher gets.
    next_publisher: u64,
}

impl World {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let options =
            FeedOptions { buffer: BufferLimit { events: 4, bytes: 1000 }, seed, ..FeedOptions::default() };
        let link = |(publisher, name): (u64, &str)| Link {
            name: name.to_owned(),
            is_proxied: name == "proxy",
            answers_after: Duration::ZERO,
            // A restart without a loss is to cost nothing: then all is kept.
            service: Service::new(publisher, if faults.drops > 0 { 40 } else { usize::MAX }),
            is_up: false,
            stream: VecDeque::new(),
            answers: VecDeque::new(),
        };
        Self {
            random: fastrand::Rng::with_seed(seed),
            faults,
            now: Duration::ZERO,
            database: Database::default(),
            links: Self::places(faults).into_iter().map(link).collect(),
            subscriber: Subscriber::new(options),
            next_publisher: 100,
        }
    }

    /// The publishers and their addresses; two of them share a proxy where identities are what is tested.
    fn places(faults: Faults) -> Vec<(u64, &'static str)> {
        let mut places = vec![(1, "p1"), (2, "p2"), (3, "p3")];
        if faults.replacements > 0 {
            places.extend([(4, "proxy"), (5, "proxy")]);
        }
        places
    }

    /// One thing happens.
    pub(crate) fn step(&mut self) -> Result<(), String> {
        let Faults {
            drops,
            repeats,
            reorders,
            crashes,
            file_losses,
            partitions,
            lost_answers,
            stalls,
            replacements,
            retirements,
            slow_answers,
            ..
        } = self.faults;
        let shares = [
            60,
            80,
            40,
            20,
            10,
            drops,
            repeats,
            reorders,
            crashes,
            file_losses,
            partitions,
            lost_answers,
            replacements,
            retirements,
            slow_answers,
            stalls,
        ];
        let mut drawn = self.random.u32(0..shares.iter().sum());
        let what = shares.iter().position(|share| {
            let is_it = drawn < *share;
            drawn = drawn.saturating_sub(*share);
            is_it
        });
        let at = self.random.usize(0..self.links.len());
        match what {
            Some(0) => self.publish(at),
            Some(1) => self.deliver(at),
            Some(2) => self.tick(),
            Some(3) => self.connect(at),
            Some(4) => self.mark(at),
            Some(5) => drop(self.links[at].stream.pop_front()),
            Some(6) => self.repeat(at),
            Some(7) => self.reorder(at),
            Some(8) => self.restart(at, true),
            Some(9) => self.restart(at, false),
            Some(10) => self.disconnect(at),
            Some(11) => self.links[at].answers.clear(),
            Some(12) => self.replace(at),
            Some(13) => self.retire(at),
            Some(14) => {
                self.links[at].answers_after = self.now + Duration::from_secs(self.random.u64(1..60));
            }
            _ => self.now += Duration::from_millis(self.random.u64(0..3000)),
        }
        if self.faults.more_marks {
            self.links
                .iter_mut()
                .filter(|link| link.is_up)
                .for_each(|link| link.stream.extend(link.service.marks(self.now)));
        }
        self.subscriber.take_all(&self.database, self.now)
    }

    fn publish(&mut self, at: usize) {
        let (key, deletes) = (self.random.u8(0..KEYS), self.random.u8(0..10) == 0);
        let event = self.database.write(key, deletes);
        let link = &mut self.links[at];
        let envelope = link.service.publish(event, self.now);
        if link.is_up {
            link.stream.push_back(envelope);
        }
    }

    fn deliver(&mut self, at: usize) {
        for _ in 0..self.random.usize(1..4) {
            // A mark is no event: more of them delay none.
            while let Some(envelope) = self.links[at].stream.pop_front() {
                let is_mark = envelope.topic.is_reserved();
                self.subscriber.feed.message(envelope, self.now);
                if !is_mark {
                    break;
                }
            }
        }
        for _ in 0..self.random.usize(1..6) {
            if self.now < self.links[at].answers_after {
                return;
            }
            if let Some(envelope) = self.links[at].answers.pop_front() {
                let endpoint = self.links[at].name.clone();
                self.subscriber.feed.reply(Reply::Part { endpoint, envelope }, self.now);
            }
        }
    }

    fn tick(&mut self) {
        self.now += Duration::from_millis(self.random.u64(0..100));
        let now = self.now;
        self.subscriber.feed.tick(now);
        for (endpoint, request) in self.subscriber.feed.requests() {
            let busy = self.faults.drops > 0 && self.random.u8(0..8) == 0;
            if let Some(link) = self.links.iter_mut().find(|link| link.name == endpoint && link.is_up) {
                if link.is_proxied {
                    let reason = "there is a proxy".to_owned();
                    self.subscriber.feed.reply(Reply::Refused { endpoint, reason }, self.now);
                    continue;
                }
                link.answers.extend(link.service.answer(&request, busy, now));
            }
        }
    }

    /// A newcomer gets the marks, and then the hello.
    fn connect(&mut self, at: usize) {
        let link = &mut self.links[at];
        if link.is_up {
            return;
        }
        link.is_up = true;
        let publisher_epoch =
            Some(PublisherEpoch { publisher: link.service.publisher, epoch: link.service.epoch });
        let publisher = link.name.clone();
        for mark in link.service.marks(self.now) {
            self.subscriber.feed.message(mark, self.now);
        }
        self.subscriber.feed.notice(Notice::Subscribed { publisher, publisher_epoch }, self.now);
    }

    /// The connection breaks, for all that share the address.
    fn disconnect(&mut self, at: usize) {
        let publisher = self.links[at].name.clone();
        let mut was_up = false;
        for link in self.links.iter_mut().filter(|link| link.name == publisher) {
            was_up |= std::mem::take(&mut link.is_up);
            link.stream.clear();
            link.answers.clear();
        }
        if was_up {
            let notice = Notice::LinkDown { publisher, reason: "gone".to_owned() };
            self.subscriber.feed.notice(notice, self.now);
        }
    }

    /// The service ends; a proxy in front of it stays.
    fn end(&mut self, at: usize) {
        if !self.links[at].is_proxied {
            return self.disconnect(at);
        }
        let link = &mut self.links[at];
        link.is_up = false;
        link.stream.clear();
    }

    fn restart(&mut self, at: usize, keeps_file: bool) {
        self.end(at);
        let clock_back = if self.random.bool() { 0 } else { self.random.u64(2..1000) };
        self.links[at].service.restart(keeps_file, clock_back);
    }

    /// All faults end, and a minute passes with marks every second: then the table must be the database.
    pub(crate) fn heal(&mut self) -> Result<(), String> {
        self.faults = Faults::NONE;
        for round in 0..3000 {
            for at in 0..self.links.len() {
                self.connect(at);
                if round % 50 == 0 {
                    let marks = self.links[at].service.marks(self.now);
                    self.links[at].stream.extend(marks);
                }
                (0..20).for_each(|_| self.deliver(at));
            }
            self.now += Duration::from_millis(20);
            self.tick();
            self.subscriber.take_all(&self.database, self.now)?;
        }
        let states = self.subscriber.feed.publishers();
        if let Some(odd) = states.iter().find(|peer| peer.state != "live") {
            return Err(format!("convergent: {odd:?}"));
        }
        self.subscriber.equals(&self.database)
    }

    /// The subscriber's counters.
    pub(crate) fn counted(&self) -> Vec<(String, u64)> {
        let counters = self.subscriber.feed.counters();
        counters.into_iter().map(|counter| (counter.name, counter.value)).collect()
    }

    /// The values that the application was given, in order of their versions.
    pub(crate) fn applied(&self) -> Vec<u64> {
        let mut values: Vec<u64> =
            self.subscriber.applied.iter().map(|value| value.parse().expect("a version")).collect();
        values.sort_unstable();
        values
    }
}
