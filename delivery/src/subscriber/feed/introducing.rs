use std::collections::BTreeSet;
use std::time::Duration;

use pubsub_api::{Notice, PublisherEpoch, Stamp, registered_endpoint};

use super::Feed;
use crate::Position;
use crate::subscriber::link::Link;
use crate::subscriber::publisher_stream::PublisherStream;
use crate::subscriber::timing::GIVE_UP;
use crate::subscriber::{DeliveryMode, Introduction, Item};

/// Which publishers are followed on which link.
impl Feed {
    /// The application has registered an endpoint.
    pub fn address_registered(&mut self, endpoint: &str) {
        self.links.of(endpoint).is_registered = true;
    }

    /// The application has unregistered an address, or a name and all its addresses.
    pub fn address_left(&mut self, endpoint: &str, now: Duration) {
        for endpoint in self.links.of_name(endpoint).into_iter().chain([endpoint.to_owned()]) {
            self.link_lost(&endpoint, "its address was unregistered", now);
            if let Some(link) = self.links.get_mut(&endpoint) {
                link.is_registered = false;
            }
        }
    }

    /// A name leads to one more address. The application may have unregistered the name meanwhile.
    pub(super) fn address_added(&mut self, endpoint: &str) {
        let name = self.links.get(registered_endpoint(endpoint));
        if name.is_some_and(|name| name.is_registered) {
            self.links.of(endpoint).is_registered = true;
        }
    }

    /// A name does not lead to an address any more: no publisher is expected there.
    pub(super) fn address_removed(&mut self, endpoint: &str, now: Duration) {
        self.link_lost(endpoint, "its name does not lead to it any more", now);
        let Some(link) = self.links.get_mut(endpoint) else { return };
        (link.is_registered, link.is_stale) = (false, false);
        let expected = std::mem::take(&mut link.expected);
        if let Some(gone) = self.gone(&expected) {
            let reason = format!(
                "its name does not lead to it any more, and it led to publisher {gone:016x}: the last events of that publisher \
                 may be missing"
            );
            self.report_resync(endpoint, reason);
        }
    }

    /// Handles the first hello of an epoch on a link.
    pub(super) fn introduced(&mut self, endpoint: &str, of: PublisherEpoch, now: Duration) {
        let was_reported = self.is_reported(endpoint);
        let link = self.links.of(endpoint);
        let is_new = !link.expected.contains(&of.publisher);
        let introduction = link.introduce(of);
        self.report_replaced(endpoint, of, &introduction.replaced);
        let known = self.streams.of(of).or_else(|| self.abandoned_stream(endpoint, of));
        let begins_anew = |stream: &PublisherStream| introduction.is_again || stream.publisher_epoch != of;
        if let Some(place) = known
            && self.streams.get(place).is_some_and(|stream| stream.is_proved && begins_anew(stream))
        {
            self.lost(place, "its publisher has restarted", now);
        }
        let joins = was_reported && is_new && introduction.replaced.is_empty();
        self.prove(known, endpoint, of, joins, now);
    }

    /// Follows an epoch at an endpoint, in its known stream or in a new one. It `joins` a link that was reported live.
    fn prove(
        &mut self,
        known: Option<usize>,
        endpoint: &str,
        of: PublisherEpoch,
        joins: bool,
        now: Duration,
    ) {
        let Some(place) = known.or_else(|| self.new_stream(of, endpoint, now)) else { return };
        let is_forgotten = self.links.of(endpoint).forgotten.remove(&of.publisher);
        let forgot =
            self.streams.get_mut(place).is_some_and(|stream| std::mem::take(&mut stream.has_forgotten));
        if is_forgotten || forgot {
            let away = self.options.remembered;
            let reason = format!("it was silent for {away:?}, and its positions are forgotten");
            self.report_resync(endpoint, reason);
        }
        if let (Some(stream), mut context) = self.split(place, now) {
            let before = stream.publisher_epoch.epoch;
            stream.prove(of, endpoint, &mut context);
            stream.reported_live |= joins;
            if is_forgotten || forgot {
                // The `Resync` covers that as well.
                stream.remembers(before);
            }
        }
        self.look_for_disputes(of.publisher);
        for envelope in self.pre_hello.release(of) {
            self.opened(envelope, now);
        }
        if let Some(place) = self.streams.of(of) {
            self.look_at(place);
        }
    }

    /// Adds a stream; `None` if there are `max_publishers`.
    fn new_stream(&mut self, of: PublisherEpoch, endpoint: &str, now: Duration) -> Option<usize> {
        if self.streams.len() < self.options.max_publishers {
            return Some(self.add_stream(of, endpoint, now));
        }
        tracing::warn!(
            id = "SK0311",
            endpoint,
            publisher = format!("{:016x}", of.publisher),
            "the limit of followed publishers is reached ({}): events of one more are delivered unverified",
            self.streams.len()
        );
        None
    }

    /// The link leads to another publisher: reports it, unless the former ones are heard elsewhere.
    fn report_replaced(&mut self, endpoint: &str, by: PublisherEpoch, replaced: &BTreeSet<u64>) {
        if let Some(gone) = self.gone(replaced) {
            let by = by.publisher;
            let reason = format!(
                "it leads to publisher {by:016x}, and led to {gone:016x}: the last events of that publisher may be missing"
            );
            self.report_resync(endpoint, reason);
        }
    }

    /// The first of these publishers that is heard nowhere.
    fn gone(&mut self, publishers: &BTreeSet<u64>) -> Option<u64> {
        let gone: Vec<u64> =
            publishers.iter().copied().filter(|publisher| !self.links.hear_publisher(*publisher)).collect();
        for publisher in gone.iter().filter(|publisher| !self.links.want(**publisher)) {
            // It will not continue there, and this is reported now.
            self.resumed.remove(publisher);
        }
        gone.first().copied()
    }

    pub(super) fn report_resync(&mut self, endpoint: &str, reason: String) {
        self.counters.resyncs += 1;
        let publisher = Some(endpoint.to_owned());
        self.items.push_back(Item::Notice(Notice::Resync { publisher, topic: None, reason }));
    }

    /// The stream of an earlier epoch of the publisher which no link claims any more; the one of this endpoint first.
    fn abandoned_stream(&self, endpoint: &str, of: PublisherEpoch) -> Option<usize> {
        let is_abandoned = |stream: &PublisherStream| !self.links.hear(stream.publisher_epoch);
        let mut abandoned =
            self.streams.of_publisher(of.publisher).filter(|(_, stream)| is_abandoned(stream));
        let here = abandoned.clone().find(|(_, stream)| stream.endpoint == endpoint);
        here.or_else(|| abandoned.next()).map(|(stream, _)| stream)
    }

    /// Reports if several epochs claim one id at the same time.
    pub(super) fn look_for_disputes(&mut self, publisher: u64) {
        let mut lives = BTreeSet::new();
        let mut publishers = BTreeSet::new();
        for (endpoint, link) in self.links.iter() {
            for life in link.lives().filter(|life| life.publisher == publisher) {
                lives.insert(life);
                publishers.insert(endpoint.clone());
            }
        }
        let is_disputed = lives.len() > 1;
        let mut is_new = false;
        for stream in self.streams.iter_mut().filter(|stream| stream.publisher_epoch.publisher == publisher) {
            is_new |= is_disputed && !stream.is_disputed;
            stream.is_disputed = is_disputed;
        }
        if is_new {
            let (id, publishers) = (format!("{publisher:016x}"), publishers.into_iter().collect());
            self.items.push_back(Item::Notice(Notice::DuplicatePublisher { id, publishers }));
        }
    }

    /// The connection to an endpoint is gone.
    pub(super) fn link_lost(&mut self, endpoint: &str, reason: &str, now: Duration) {
        let lives = self.links.get_mut(endpoint).map(|link| link.down()).unwrap_or_default();
        for life in lives {
            self.unheard(endpoint, life, reason, now);
        }
    }

    /// An epoch is not heard at an endpoint any more.
    fn unheard(&mut self, endpoint: &str, life: PublisherEpoch, reason: &str, now: Duration) {
        let other = self.links.endpoint_of(life).cloned();
        if let Some(place) = self.streams.of(life) {
            match (other, self.streams.get_mut(place)) {
                (Some(other), Some(stream)) => stream.endpoint = other,
                (None, Some(stream)) => {
                    endpoint.clone_into(&mut stream.endpoint);
                    self.lost(place, reason, now);
                }
                (_, None) => {}
            }
        }
        self.look_for_disputes(life.publisher);
    }

    /// Handles a hello of an epoch: publishers on the same link that send none are silent.
    pub(super) fn hello(&mut self, stamp: Stamp, now: Duration) {
        let life = PublisherEpoch { publisher: stamp.publisher, epoch: stamp.epoch };
        let mut silent = Vec::new();
        for (endpoint, link) in self.links.iter_mut() {
            silent.extend(link.hello(life).into_iter().map(|life| (endpoint.clone(), life)));
        }
        for (endpoint, life) in silent {
            let publisher = life.publisher;
            let reason = format!("publisher {publisher:016x} sends no hello, while others on this link do");
            self.unheard(&endpoint, life, &reason, now);
        }
        if !self.links.hear(life) {
            self.returned(life, now);
        }
        if let Some(stream) = self.streams.of(life).and_then(|place| self.streams.get_mut(place)) {
            stream.hello_at = now;
        }
        self.look_for_retirements(life, stamp.sequence);
    }

    /// Reports a `Resync` if the publisher retired topics while it was not heard: nothing else shows what is missing on them.
    fn look_for_retirements(&mut self, life: PublisherEpoch, first_sequence: u64) {
        let Some(place) = self.streams.of(life) else { return };
        let Some(stream) = self.streams.get_mut(place) else { return };
        if stream.hello(Position { epoch: life.epoch, sequence: first_sequence }) {
            let endpoint = stream.endpoint.clone();
            let reason = "the publisher retired topics while it was not heard, because more than max_topics were in use: \
                          events on them may be missing";
            self.report_resync(&endpoint, reason.to_owned());
        }
        self.look_at(place);
    }

    /// An epoch sends hello again after it had fallen silent, or after a later epoch seemed to replace it, or over one of
    /// several connections to an endpoint of which another broke.
    fn returned(&mut self, life: PublisherEpoch, now: Duration) {
        let is_here = |link: &Link| link.expected.contains(&life.publisher);
        let here = self.links.iter_mut().filter(|(_, link)| is_here(link)).max_by_key(|(_, link)| link.is_up);
        let Some((endpoint, link)) = here else { return };
        let endpoint = endpoint.clone();
        if !link.hears_publisher(life.publisher) {
            self.introduced(&endpoint, life, now);
        } else if link.is_revived(life) {
            link.heard_beside(life);
            let known = self.streams.of(life);
            self.prove(known, &endpoint, life, false, now);
        }
    }

    /// Delivers the events that wait for a hello that does not arrive.
    pub(super) fn release_overdue(&mut self, now: Duration) {
        let Some(since) = now.checked_sub(GIVE_UP) else { return };
        for (of, envelope) in self.pre_hello.expired(since) {
            if self.streams.of_publisher(of.publisher).next().is_some() {
                // Its sequences show that it is missing.
                self.counters.outdated += 1;
            } else if !envelope.topic.is_reserved() {
                let publisher = of.publisher;
                let reason = format!("publisher {publisher:016x} sends no hello: its losses are not noticed");
                self.counters.resyncs += 1;
                self.counters.unverified += 1;
                let topic = Some(envelope.topic.to_string());
                self.items.push_back(Item::Notice(Notice::Resync { publisher: None, topic, reason }));
                self.items.push_back(Item::Event { envelope, mode: DeliveryMode::Unverified });
            }
        }
    }

    /// Checks once whether there are saved positions of publishers of no registered endpoint: their missing events can never be
    /// reported.
    pub(super) fn look_for_orphans(&mut self, now: Duration) {
        if self.looked_for_orphans || now < GIVE_UP {
            return;
        }
        self.looked_for_orphans = true;
        let orphans = match self.options.introduction {
            Introduction::ByHello => {
                self.resumed.keys().filter(|publisher| !self.links.want(**publisher)).count()
            }
            // Publishers come and go there.
            Introduction::ByBroker => 0,
        };
        if orphans > 0 {
            let reason = format!("{orphans} publishers that were followed before were not found again");
            self.counters.resyncs += 1;
            self.items.push_back(Item::Notice(Notice::Resync { publisher: None, topic: None, reason }));
        }
    }
}
