use std::time::Duration;

use pubsub_api::{Notice, PeerReading, registered_endpoint};

use super::Feed;
use super::suspended::SUSPENDED;
use crate::subscriber::publisher_stream::PublisherStream;
use crate::subscriber::timing::GIVE_UP;
use crate::subscriber::{Introduction, Item};

/// When a link is reported as live or stale, as a whole, whatever its publishers.
impl Feed {
    /// The streams of an endpoint; `None` if an expected publisher was never heard there.
    fn streams_at(&self, endpoint: &str) -> Option<Vec<usize>> {
        let mut places = Vec::new();
        for publisher in &self.links.get(endpoint)?.expected {
            let of_publisher = self.streams.of_publisher(*publisher);
            let here = of_publisher.clone().filter(|(_, stream)| stream.endpoint == endpoint);
            let before = places.len();
            places.extend(here.map(|(place, _)| place));
            if places.len() == before {
                places.extend(of_publisher.map(|(place, _)| place));
            }
            if places.len() == before {
                return None;
            }
        }
        Some(places)
    }

    /// Whether an endpoint was reported as live.
    pub(super) fn is_reported(&self, endpoint: &str) -> bool {
        let reported = |place: &usize| self.streams.get(*place).is_some_and(|stream| stream.reported_live);
        self.streams_at(endpoint).is_some_and(|streams| !streams.is_empty() && streams.iter().all(reported))
    }

    /// A stream has changed: reports what follows for its links.
    pub(super) fn look_at(&mut self, place: usize) {
        let Some(stream) = self.streams.get(place).filter(|stream| stream.is_news()) else { return };
        let (endpoint, publisher) = (stream.endpoint.clone(), stream.publisher_epoch.publisher);
        match (self.options.introduction, stream.is_current()) {
            (Introduction::ByHello, false) => self.report_overfull(place, &endpoint),
            (Introduction::ByHello, true) if self.is_suspended => {}
            (Introduction::ByHello, true) => {
                let others: Vec<String> = self.links.expecting(publisher).cloned().collect();
                self.report_live_if_current(&endpoint);
                others.iter().for_each(|other| self.report_live_if_current(other));
                self.report_live_by_name(registered_endpoint(&endpoint));
            }
            // The link to the broker is reported as live, and no publisher.
            (Introduction::ByBroker, _) => {}
        }
    }

    /// Reports an endpoint as live, if all its streams are current and that was not reported.
    fn report_live_if_current(&mut self, endpoint: &str) {
        let Some(places) = self.streams_at(endpoint) else { return };
        let streams = || places.iter().filter_map(|place| self.streams.get(*place));
        if !streams().all(PublisherStream::is_current) || streams().all(|stream| stream.reported_live) {
            return;
        }
        for place in places {
            if let Some(stream) = self.streams.get_mut(place) {
                stream.reported_live = true;
            }
        }
        self.report_live(endpoint);
    }

    fn report_live(&mut self, endpoint: &str) {
        if let Some(link) = self.links.get_mut(endpoint) {
            link.is_stale = false;
        }
        let publisher = endpoint.to_owned();
        self.items.push_back(Item::Notice(Notice::Live { publisher, topic: None }));
    }

    /// Ends what was reported as stale of a name, and of its addresses whose publishers are current at another one.
    fn report_live_by_name(&mut self, name: &str) {
        let of_name = self.links.of_name(name);
        if of_name.is_empty() {
            return;
        }
        for endpoint in of_name.into_iter().chain([name.to_owned()]) {
            let is_stale = self.links.get(&endpoint).is_some_and(|link| link.is_stale);
            let is_current =
                |place: &usize| self.streams.get(*place).is_some_and(PublisherStream::is_current);
            if is_stale && self.streams_at(&endpoint).is_some_and(|streams| streams.iter().all(is_current)) {
                self.report_live(&endpoint);
            }
        }
    }

    /// Nothing confirms a stream any more.
    pub(super) fn lost(&mut self, place: usize, reason: &str, now: Duration) {
        let Some(endpoint) = self.streams.get(place).map(|stream| stream.endpoint.clone()) else { return };
        let was_reported = self.is_reported(&endpoint);
        if let (Some(stream), _) = self.split(place, now) {
            stream.unprove(now);
        }
        if was_reported {
            self.report_stale(&endpoint, reason.to_owned());
        }
    }

    /// Notes an arrival with this stamp: a stream that becomes too late makes its link stale.
    pub(super) fn look_at_delay(&mut self, place: usize, time_us: u64, now: Duration) {
        match self.options.introduction {
            Introduction::ByHello if time_us != 0 => {}
            // Publishers on a broker are not judged.
            Introduction::ByHello | Introduction::ByBroker => return,
        }
        let most = self.options.max_delay;
        let Some(stream) = self.streams.get_mut(place) else { return };
        let Some(late) = stream.stamped_at(time_us, most, now) else { return };
        let endpoint = stream.endpoint.clone();
        let was_reported = self.is_reported(&endpoint);
        if let Some(stream) = self.streams.get_mut(place) {
            stream.reported_live = false;
        }
        if was_reported {
            let late = Duration::from_millis(u64::try_from(late.as_millis()).unwrap_or(u64::MAX));
            let reason = format!("events arrive {late:?} late, which is more than max_delay ({most:?})");
            self.report_stale(&endpoint, reason);
        }
    }

    pub(super) fn report_stale(&mut self, endpoint: &str, reason: String) {
        self.links.note_stale(endpoint);
        let publisher = endpoint.to_owned();
        self.items.push_back(Item::Notice(Notice::Stale { publisher, reason }));
    }

    fn report_overfull(&mut self, place: usize, endpoint: &str) {
        let was_reported = self.is_reported(endpoint);
        let most = self.options.max_topics;
        let reason = format!(
            "it has more than {most} topics: events on the others are delivered unverified, and their losses are not \
             noticed"
        );
        if let Some(stream) = self.streams.get_mut(place) {
            stream.overfull_is_reported();
        }
        if was_reported {
            self.report_stale(endpoint, reason.clone());
        }
        self.report_resync(endpoint, reason);
    }

    /// Checks whether all topics are followed again: a topic that is not has a mark every ten seconds or so.
    pub(super) fn look_for_room(&mut self, now: Duration) {
        let Some(since) = now.checked_sub(GIVE_UP) else { return };
        for place in 0..self.streams.len() {
            let Some(stream) = self.streams.get_mut(place) else { continue };
            if !stream.has_room_since(since) {
                continue;
            }
            let endpoint = stream.endpoint.clone();
            self.report_resync(&endpoint, "all its topics are followed again".to_owned());
            self.look_at(place);
        }
    }

    /// The state of each publisher: `live`, `recovering`, `proving`, `stale`, `overfull` if it has more topics than are
    /// followed, or `suspended` if it would be live but the application cannot keep what it receives. If an endpoint leads to several, each is named. On a broker: the link, and at most a hundred publishers that
    /// are not live.
    #[must_use]
    pub fn publishers(&self) -> Vec<PeerReading> {
        match self.options.introduction {
            Introduction::ByHello => self.introduced_publishers(),
            Introduction::ByBroker => self.broker_and_publishers(),
        }
    }

    fn introduced_publishers(&self) -> Vec<PeerReading> {
        let mut readings = Vec::new();
        for stream in self.streams.iter() {
            let publisher = stream.publisher_epoch.publisher;
            if self.links.expecting(publisher).next().is_some() || self.links.hear(stream.publisher_epoch) {
                let is_held = self.is_suspended && stream.is_current();
                let state = if is_held { SUSPENDED } else { stream.state() }.to_owned();
                readings.push(PeerReading { endpoint: self.name_of(&stream.endpoint, publisher), state });
            }
        }
        for (endpoint, link) in self.links.iter().filter(|(_, link)| link.is_up) {
            let is_missing = |publisher: &&u64| self.streams.of_publisher(**publisher).next().is_none();
            for publisher in link.expected.iter().filter(is_missing) {
                let state = "stale".to_owned();
                readings.push(PeerReading { endpoint: self.name_of(endpoint, *publisher), state });
            }
        }
        readings
    }

    fn name_of(&self, endpoint: &str, publisher: u64) -> String {
        match self.links.get(endpoint) {
            Some(link) if link.expected.len() > 1 => format!("{endpoint} ({publisher:016x})"),
            _ => endpoint.to_owned(),
        }
    }
}
