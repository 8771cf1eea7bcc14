//! A real publisher that retires topics, and a subscriber that is away meanwhile, or loses an event.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use delivery::subscriber::{Feed, FeedOptions, Item};
use delivery::{PublisherOptions, StampedPublisher};
use pubsub_api::{Envelope, HELLO, Notice, PeerId, Publisher, Reply, Request, SubscriptionSeen, TopicRights};
use tokio::time::sleep;

use crate::fake::{Fake, Inputs, To, batch, stamped_as, until};

const ENDPOINT: &str = "tcp://publisher";

async fn publisher(state_dir: &Path) -> (StampedPublisher, Arc<Fake>, Inputs) {
    let state_dir = Some(state_dir.to_owned());
    stamped_as(PublisherOptions { state_dir, ring_bytes: 1 << 20, snapshot_bytes: 1 << 20, max_topics: 2 })
        .await
}

/// The subscriber, as far as its driver is not real.
struct Reader {
    feed: Feed,
    started: Instant,
}

impl Reader {
    fn new() -> Self {
        Self { feed: Feed::new(FeedOptions::default()), started: Instant::now() }
    }

    /// A link stands: the publisher sends to this newcomer, alone, what it asks for, and the feed gets that as from a driver.
    /// What is reported of the whole until it is live.
    async fn link(
        &mut self,
        (publisher, fake, inputs): &(StampedPublisher, Arc<Fake>, Inputs),
        filters: &[&'static str],
        peer: u64,
    ) -> Vec<String> {
        for filter in filters {
            let prefix = Bytes::from_static(filter.as_bytes());
            inputs
                .seen
                .send(SubscriptionSeen::Subscribed { peer: PeerId(peer), prefix, rights: TopicRights::ALL })
                .await
                .unwrap();
        }
        self.greeted(publisher, until("a hello", || greeting(fake, peer)).await);
        self.reported_until("live", fake, inputs).await
    }

    /// What the publisher sends to a newcomer.
    fn greeted(&mut self, publisher: &StampedPublisher, greeting: Vec<Envelope>) {
        let mut is_first = true;
        for envelope in greeting {
            if envelope.topic == HELLO && std::mem::take(&mut is_first) {
                let (endpoint, publisher_epoch) = (ENDPOINT.to_owned(), publisher.publisher_epoch());
                self.feed.notice(
                    Notice::Subscribed { publisher: endpoint, publisher_epoch },
                    self.started.elapsed(),
                );
            }
            self.feed.message(envelope, self.started.elapsed());
        }
    }

    /// What was sent to all from this place on arrives, as far as the filters let it through, except the events on a topic.
    fn hears(&mut self, fake: &Fake, from: usize, filters: &[&str], lost: &str) {
        let sent = fake.sent.lock().unwrap();
        let passes = |topic: &str| filters.iter().any(|filter| topic.starts_with(filter)) && topic != lost;
        for (_, _, envelope) in sent.iter().skip(from).filter(|(_, to, _)| *to == To::All) {
            if passes(envelope.topic.as_str()) {
                self.feed.message(envelope.clone(), self.started.elapsed());
            }
        }
    }

    /// What is reported up to this word, and beside it.
    async fn reported_until(&mut self, word: &str, fake: &Fake, inputs: &Inputs) -> Vec<String> {
        let mut reported = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            reported.extend(self.reported());
            if reported.iter().any(|reported| reported == word) {
                return reported;
            }
            assert!(Instant::now() < deadline, "no {word}: {reported:?}");
            self.recover(fake, inputs).await;
        }
    }

    /// Carries requests to the publisher, and answers back.
    async fn recover(&mut self, fake: &Fake, inputs: &Inputs) {
        self.feed.tick(self.started.elapsed());
        for (_, envelope) in self.feed.requests() {
            inputs.requests.send(Request::new(PeerId(0), envelope)).await.unwrap();
        }
        // A poll: the callers repeat it until their deadline.
        sleep(Duration::from_millis(5)).await;
        let answers = std::mem::take(&mut *fake.answers.lock().unwrap());
        for (_, envelope) in answers {
            let part = Reply::Part { endpoint: ENDPOINT.to_owned(), envelope };
            self.feed.reply(part, self.started.elapsed());
        }
    }

    fn down(&mut self) {
        let down = Notice::LinkDown { publisher: ENDPOINT.to_owned(), reason: "gone".to_owned() };
        self.feed.notice(down, self.started.elapsed());
        assert_eq!(self.reported(), [""; 0]);
    }

    /// Resyncs and `Live` of the whole, in order, and what makes up for a loss on topic `tenant`: the publisher may still have
    /// its rows.
    fn reported(&mut self) -> Vec<String> {
        let word = |item| match item {
            Item::Notice(Notice::Resync { topic: None, reason, .. }) => Some(format!("resync: {reason}")),
            Item::Notice(Notice::Resync { topic: Some(topic), .. }) if topic == "tenant" => {
                Some("tenant".to_owned())
            }
            Item::Snapshot(snapshot) if snapshot.topic.as_str() == "tenant" && !snapshot.rows.is_empty() => {
                Some("tenant".to_owned())
            }
            Item::Notice(Notice::Live { topic: None, .. }) => Some("live".to_owned()),
            _ => None,
        };
        std::iter::from_fn(|| self.feed.next_item()).filter_map(word).collect()
    }
}

/// What was sent to a newcomer alone, once there is a hello.
fn greeting(fake: &Fake, peer: u64) -> Option<Vec<Envelope>> {
    let sent = fake.sent.lock().unwrap();
    let own = sent.iter().filter(|(_, to, _)| *to == To::Peer(PeerId(peer)));
    let own: Vec<_> = own.map(|(_, _, envelope)| envelope.clone()).collect();
    own.iter().any(|envelope| envelope.topic == HELLO).then_some(own)
}

/// What was sent to a newcomer alone on this topic.
fn sent_to(fake: &Fake, peer: u64, topic: &str) -> Option<Envelope> {
    let sent = fake.sent.lock().unwrap();
    let own = |(_, to, envelope): &&(_, To, Envelope)| {
        *to == To::Peer(PeerId(peer)) && envelope.topic.as_str() == topic
    };
    sent.iter().find(own).map(|(_, _, envelope)| envelope.clone())
}

fn is_reported(reported: &[String]) {
    assert!(
        matches!(reported, [resync, .., _] if resync.contains("max_topics")),
        "a resync, and then live: {reported:?}"
    );
}

/// An event on a topic that a subscriber never heard of; then its topic is retired.
async fn publish_and_retire(publisher: &StampedPublisher) {
    for topic in ["tenant", "b", "c"] {
        publisher.publish(&mut batch(&[topic])).await.unwrap();
    }
}

/// What a subscription to every topic asks for, and one to an exact topic.
const SUBSCRIPTIONS: [&[&str]; 2] = [&["$mark.", "", "$hello"], &["$mark.tenant", "tenant", "$hello"]];

#[tokio::test]
async fn an_event_on_a_topic_that_is_retired_while_a_subscriber_is_away_is_reported() {
    for filters in SUBSCRIPTIONS {
        let folder = tempfile::tempdir().unwrap();
        let publisher = publisher(folder.path()).await;
        let mut reader = Reader::new();
        assert_eq!(reader.link(&publisher, filters, 1).await, ["live"]);
        reader.down();
        publish_and_retire(&publisher.0).await;
        is_reported(&reader.link(&publisher, filters, 2).await);
        reader.down();
        assert_eq!(reader.link(&publisher, filters, 3).await, ["live"], "nothing was retired since");
    }
}

#[tokio::test]
async fn it_is_reported_also_if_publisher_and_subscriber_restart_meanwhile() {
    for filters in SUBSCRIPTIONS {
        let folder = tempfile::tempdir().unwrap();
        let before = publisher(folder.path()).await;
        let mut reader = Reader::new();
        assert_eq!(reader.link(&before, filters, 1).await, ["live"]);
        publish_and_retire(&before.0).await;
        before.0.close().await.unwrap();
        drop(before);

        let after = publisher(folder.path()).await;
        let mut restarted = Reader::new();
        restarted.feed.resume(reader.feed.positions());
        restarted.feed.resume_links(reader.feed.links());
        is_reported(&restarted.link(&after, filters, 2).await);
    }
}

#[tokio::test]
async fn an_event_that_is_lost_on_a_standing_link_before_its_topic_is_retired_is_reported() {
    for (filters, is_known) in
        SUBSCRIPTIONS.into_iter().flat_map(|filters| [(filters, false), (filters, true)])
    {
        let folder = tempfile::tempdir().unwrap();
        let publisher = publisher(folder.path()).await;
        if is_known {
            publisher.0.publish(&mut batch(&["tenant"])).await.unwrap();
        }
        let mut reader = Reader::new();
        let reported = reader.link(&publisher, filters, 1).await;
        assert_eq!(reported.last().map(String::as_str), Some("live"), "{reported:?}");
        let from = publisher.1.sent.lock().unwrap().len();
        publish_and_retire(&publisher.0).await;
        reader.hears(&publisher.1, from, filters, "tenant");
        reader.reported_until("tenant", &publisher.1, &publisher.2).await;
    }
}

#[tokio::test]
async fn an_event_that_is_lost_with_the_bye_of_its_topic_is_reported_by_a_bye_that_is_repeated() {
    for filters in SUBSCRIPTIONS {
        let folder = tempfile::tempdir().unwrap();
        let publisher = publisher(folder.path()).await;
        let mut reader = Reader::new();
        assert_eq!(reader.link(&publisher, filters, 1).await, ["live"]);
        publish_and_retire(&publisher.0).await;
        let from = publisher.1.sent.lock().unwrap().len();
        until("a bye again", || {
            let sent = publisher.1.sent.lock().unwrap();
            let is_it = |topic: &str| topic == "$mark.tenant";
            sent.iter().skip(from).any(|(_, _, envelope)| is_it(envelope.topic.as_str())).then_some(())
        })
        .await;
        reader.hears(&publisher.1, from, filters, "tenant");
        reader.reported_until("tenant", &publisher.1, &publisher.2).await;
    }
}

#[tokio::test]
async fn an_event_that_is_published_just_before_a_link_stands_is_reported_if_its_topic_is_retired() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher(folder.path()).await;
    let (stamped, fake, inputs) = (&publisher.0, &*publisher.1, &publisher.2);
    let mut reader = Reader::new();
    assert_eq!(reader.link(&publisher, SUBSCRIPTIONS[0], 1).await, ["live"]);
    reader.down();
    stamped.publish(&mut batch(&["b"])).await.unwrap();

    let subscribes = async |prefix: &'static str| {
        let prefix = Bytes::from_static(prefix.as_bytes());
        inputs
            .seen
            .send(SubscriptionSeen::Subscribed { peer: PeerId(2), prefix, rights: TopicRights::ALL })
            .await
            .unwrap();
    };
    subscribes("$mark.").await;
    until("a mark", || sent_to(fake, 2, "$mark.b")).await;
    let from = fake.sent.lock().unwrap().len();
    stamped.publish(&mut batch(&["tenant"])).await.unwrap();
    for prefix in ["", "$hello"] {
        subscribes(prefix).await;
    }
    reader.greeted(stamped, until("a hello", || greeting(fake, 2)).await);
    for topic in ["c", "d"] {
        stamped.publish(&mut batch(&[topic])).await.unwrap();
    }
    reader.hears(fake, from, &["$mark.", ""], "tenant");
    reader.reported_until("tenant", fake, inputs).await;
}

#[tokio::test]
async fn a_restart_of_a_publisher_that_has_retired_a_topic_is_no_resync() {
    for filters in SUBSCRIPTIONS {
        let folder = tempfile::tempdir().unwrap();
        let before = publisher(folder.path()).await;
        publish_and_retire(&before.0).await;
        let mut reader = Reader::new();
        assert_eq!(reader.link(&before, filters, 1).await, ["live"]);
        before.0.close().await.unwrap();
        drop(before);
        reader.down();
        let after = publisher(folder.path()).await;
        assert_eq!(reader.link(&after, filters, 2).await, ["live"]);
    }
}
