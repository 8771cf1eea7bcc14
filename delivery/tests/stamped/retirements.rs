//! A real publisher that retires topics, and a subscriber that is away meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use delivery::subscriber::{Feed, FeedOptions, Item};
use delivery::{PublisherOptions, StampedPublisher};
use pubsub_api::{Envelope, HELLO, Notice, PeerId, Publisher, Reply, Request, SubscriptionSeen};
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
            inputs.seen.send(SubscriptionSeen::Subscribed { peer: PeerId(peer), prefix }).await.unwrap();
        }
        let mut is_first = true;
        for envelope in until("a hello", || greeting(fake, peer)).await {
            if envelope.topic == HELLO && std::mem::take(&mut is_first) {
                let (endpoint, publisher_epoch) = (ENDPOINT.to_owned(), publisher.publisher_epoch());
                self.feed.notice(
                    Notice::Subscribed { publisher: endpoint, publisher_epoch },
                    self.started.elapsed(),
                );
            }
            self.feed.message(envelope, self.started.elapsed());
        }
        let mut reported = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            reported.extend(self.reported());
            if reported.last().is_some_and(|last| last == "live") {
                return reported;
            }
            assert!(Instant::now() < deadline, "not live: {reported:?}");
            self.recover(fake, inputs).await;
        }
    }

    /// Carries requests to the publisher, and answers back.
    async fn recover(&mut self, fake: &Fake, inputs: &Inputs) {
        self.feed.tick(self.started.elapsed());
        for (_, envelope) in self.feed.requests() {
            inputs.requests.send(Request { peer: PeerId(0), host: None, envelope }).await.unwrap();
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

    /// Resyncs and `Live` of the whole, in order.
    fn reported(&mut self) -> Vec<String> {
        let word = |item| match item {
            Item::Notice(Notice::Resync { topic: None, reason, .. }) => Some(format!("resync: {reason}")),
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
