use std::time::Duration;

use pubsub_api::{Envelope, Incarnation, Notice, PeerReading, QueueReading, Stamp};

use super::Feed;
use crate::subscriber::publisher_stream::PublisherStream;
use crate::subscriber::{DeliveryMode, Item};

/// So many publishers are listed one by one in a status; the others are in the depth of the queue `publishers`.
const LISTED: usize = 100;

/// What is different on a broker: publishers are the processes of API workers, thousands of them, that come and go; nobody
/// says hello, nobody can be asked; and there is one link, to the broker's node.
///
/// - What was published before a publisher's topic was heard of first, and what is missing later, is told at once by one
///   `Resync` for the topic, behind a `Gap` where the count is known; and the stream goes on.
/// - `Stale` and `Live` without a topic are told of the link, and not of each publisher: it is the one thing that failed, an
///   operator can do something about it alone, and ten thousand notices would bury it. The link is live at its `Subscribed`:
///   what is published from then on arrives, and for what was missed before it the driver's own `Resync` stands. So a
///   worker that died meanwhile, and proves nothing any more, does not keep it stale.
/// - Behind that, each topic of each publisher is proved by the next event or mark, without a word if nothing was missed.
impl Feed {
    /// A later epoch is a later life; an earlier one is over.
    pub(super) fn give_on_broker(
        &mut self,
        of: Incarnation,
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
        if stream.incarnation.epoch > of.epoch {
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

    /// The subscriptions stand.
    pub(super) fn link_stands(&mut self, endpoint: &str) {
        if self.broker.as_deref() != Some(endpoint) {
            self.broker = Some(endpoint.to_owned());
            let publisher = endpoint.to_owned();
            self.items.push_back(Item::Notice(Notice::Live { publisher, topic: None }));
        }
    }

    /// The link is gone, and nothing proves any line.
    pub(super) fn broker_lost(&mut self, endpoint: &str, reason: &str, now: Duration) {
        if self.broker.as_deref() == Some(endpoint) {
            let (publisher, reason) = (endpoint.to_owned(), reason.to_owned());
            self.items.push_back(Item::Notice(Notice::Stale { publisher, reason }));
        }
        self.broker_refuses(now);
    }

    /// The broker refuses a subscription that is wanted: the link is not live until the next `Subscribed`. The driver has
    /// reported `Stale`.
    pub(super) fn broker_refuses(&mut self, now: Duration) {
        self.broker = None;
        for place in 0..self.streams.len() {
            if let Some(stream) = self.streams.get_mut(place) {
                stream.unprove(now);
            }
        }
    }

    /// How many publishers are followed.
    pub(super) fn tracked(&self) -> QueueReading {
        QueueReading {
            name: "publishers".to_owned(),
            depth: self.streams.len() as u64,
            bound: self.options.max_publishers as u64,
            unit: "publishers".to_owned(),
            when_full: "events of other publishers are delivered unverified".to_owned(),
        }
    }

    /// The link, and publishers that are not live: a hundred at most.
    pub(super) fn broker_and_publishers(&self) -> Vec<PeerReading> {
        let link = self.broker.iter().map(|endpoint| (endpoint.as_str(), "live"));
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
