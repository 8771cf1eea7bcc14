use std::time::Duration;

use pubsub_api::{Envelope, Notice, PeerReading, PublisherEpoch, QueueReading, Stamp};

use super::Feed;
use super::suspended::SUSPENDED;
use crate::subscriber::publisher_stream::PublisherStream;
use crate::subscriber::{DeliveryMode, Item};

/// The most publishers that a status lists one by one; the others are in the depth of the queue `publishers`.
const LISTED: usize = 100;

/// Publishers on a broker: they are the processes of API workers, thousands of them, that come and go. They send no hello and
/// accept no requests, and there is one link, to the broker's node.
///
/// - Events from before the first contact with a publisher's topic, and missing events later, are reported at once by one
///   `Resync` for the topic, after a `Gap` if their number is known; then the stream continues.
/// - `Stale` and `Live` without a topic are about the link, not about each publisher: the link is what failed, an operator can
///   only act on that, and ten thousand notices would hide it. The link is live at its `Subscribed`: later events arrive, and
///   the driver's own `Resync` covers what was missed before. So a worker that died meanwhile, and confirms nothing any more,
///   does not keep it stale.
/// - After that, the next event or mark confirms each topic of each publisher, without a notice if nothing was missed.
impl Feed {
    /// A later epoch replaces the one before; an event of an earlier one is outdated.
    pub(super) fn give_on_broker(
        &mut self,
        of: PublisherEpoch,
        envelope: Envelope,
        stamp: Stamp,
        now: Duration,
    ) {
        let known = self.streams.of_publisher(of.publisher).next().map(|(place, _)| place);
        let place = match known {
            Some(place) => place,
            None if self.streams.len() < self.options.max_publishers => {
                self.add_stream(of, &format!("{:016x}", of.publisher), now)
            }
            None => return self.give_untracked(envelope),
        };
        let Some(stream) = self.streams.get_mut(place) else { return };
        if stream.publisher_epoch.epoch > of.epoch {
            self.counters.outdated += 1;
            return;
        }
        stream.heard(of.epoch);
        self.give(place, envelope, stamp, now);
    }

    fn give_untracked(&mut self, envelope: Envelope) {
        if !envelope.topic.is_reserved() {
            self.counters.untracked += 1;
            self.items.push_back(Item::Event { envelope, mode: DeliveryMode::Unverified });
        }
    }

    /// The subscriptions are confirmed.
    pub(super) fn link_stands(&mut self, endpoint: &str) {
        if self.broker.as_deref() != Some(endpoint) {
            self.broker = Some(endpoint.to_owned());
            if self.is_suspended {
                return;
            }
            let publisher = endpoint.to_owned();
            self.items.push_back(Item::Notice(Notice::Live { publisher, topic: None }));
        }
    }

    /// The link is gone, and nothing confirms any stream.
    pub(super) fn broker_lost(&mut self, endpoint: &str, reason: &str, now: Duration) {
        if self.broker.as_deref() == Some(endpoint) && !self.is_suspended {
            let (publisher, reason) = (endpoint.to_owned(), reason.to_owned());
            self.items.push_back(Item::Notice(Notice::Stale { publisher, reason }));
        }
        self.broker_refuses(now);
    }

    /// The broker refuses a subscription: the link is not live until the next `Subscribed`. The driver has reported `Stale`.
    pub(super) fn broker_refuses(&mut self, now: Duration) {
        self.broker = None;
        for place in 0..self.streams.len() {
            if let Some(stream) = self.streams.get_mut(place) {
                stream.unprove(now);
            }
        }
    }

    /// The number of followed publishers.
    pub(super) fn tracked(&self) -> QueueReading {
        QueueReading::new(
            "publishers",
            "publishers",
            (self.streams.len(), self.options.max_publishers),
            "events of other publishers are delivered unverified",
        )
    }

    /// The link, and at most a hundred publishers that are not live.
    pub(super) fn broker_and_publishers(&self) -> Vec<PeerReading> {
        let state = if self.is_suspended { SUSPENDED } else { "live" };
        let link = self.broker.iter().map(|endpoint| (endpoint.as_str(), state));
        let others =
            self.streams.iter().map(|stream: &PublisherStream| (stream.endpoint.as_str(), stream.state()));
        let others = others.filter(|(_, state)| *state != "live").take(LISTED);
        let reading = |(endpoint, state): (&str, &str)| PeerReading {
            endpoint: endpoint.to_owned(),
            state: state.to_owned(),
        };
        link.chain(others).map(reading).collect()
    }
}
