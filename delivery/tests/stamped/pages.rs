//! A subscriber that misses events on more topics than one request has room for, and a real publisher.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use delivery::subscriber::{DeliveryMode, Feed, FeedOptions, Item, SavedPosition};
use delivery::{Mark, Position, PublisherOptions};
use pubsub_api::{Batch, Notice, Publisher, PublisherEpoch, Reply, Request, Stamp, Topic};

use crate::fake::{Fake, Inputs, event, stamped_as};

const ENDPOINT: &str = "tcp://publisher";

/// The subscriber's end: carries its requests to the publisher, and the answers back.
struct Link {
    feed: Feed,
    fake: Arc<Fake>,
    inputs: Inputs,
    started: Instant,
    replayed: usize,
    resyncs: HashSet<String>,
    live: HashSet<String>,
    is_live: bool,
}

impl Link {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    async fn step(&mut self) {
        let now = self.now();
        self.feed.tick(now);
        for (_, envelope) in self.feed.requests() {
            let request = Request::new(pubsub_api::PeerId(1), envelope);
            self.inputs.requests.send(request).await.unwrap();
        }
        let answers = std::mem::take(&mut *self.fake.answers.lock().unwrap());
        for (_, envelope) in answers {
            self.feed.reply(Reply::Part { endpoint: ENDPOINT.to_owned(), envelope }, now);
        }
        self.take_items();
    }

    fn take_items(&mut self) {
        while let Some(item) = self.feed.next_item() {
            match item {
                Item::Event { mode: DeliveryMode::Replay, .. } => self.replayed += 1,
                Item::Notice(Notice::Live { topic: Some(topic), .. }) => drop(self.live.insert(topic)),
                Item::Notice(Notice::Live { topic: None, .. }) => self.is_live = true,
                Item::Notice(Notice::Resync { topic: Some(topic), .. }) => drop(self.resyncs.insert(topic)),
                _ => {}
            }
        }
    }
}

fn topic(number: usize) -> Topic {
    Topic::new(format!("tenant-{number}")).unwrap()
}

fn options(state_dir: &Path, max_topics: usize) -> PublisherOptions {
    PublisherOptions {
        state_dir: Some(state_dir.to_owned()),
        ring_bytes: 64 << 20,
        snapshot_bytes: 64 << 20,
        max_topics,
    }
}

/// One event on each of a number of topics, then a restart, one more event on each; and a subscriber that has the first ones.
async fn behind_on(topics: usize) -> Link {
    let folder = tempfile::TempDir::new().unwrap();
    let publish = async |publisher: &delivery::StampedPublisher, key: &str| {
        for part in (0..topics).collect::<Vec<_>>().chunks(1000) {
            let mut batch = Batch::new();
            batch.extend(part.iter().map(|number| event(topic(*number).as_str(), key)));
            publisher.publish(&mut batch).await.unwrap();
        }
    };
    let (before, ..) = stamped_as(options(folder.path(), topics)).await;
    publish(&before, "before").await;
    let was = before.publisher_epoch().unwrap();
    before.close().await.unwrap();
    let (publisher, fake, inputs) = stamped_as(options(folder.path(), topics)).await;
    publish(&publisher, "after").await;
    let PublisherEpoch { publisher: id, epoch } = publisher.publisher_epoch().unwrap();
    std::mem::forget(publisher);

    let mut feed = Feed::new(FeedOptions { max_topics: topics, ..FeedOptions::default() });
    let position = Position { epoch: was.epoch, sequence: 1 };
    let saved = |number| SavedPosition { publisher: id, topic: topic(number), position };
    feed.resume((0..topics).map(saved));
    let started = Instant::now();
    let publisher_epoch = Some(PublisherEpoch { publisher: id, epoch });
    feed.notice(Notice::Subscribed { publisher: ENDPOINT.to_owned(), publisher_epoch }, started.elapsed());
    for number in 0..topics {
        let stamp = Stamp { publisher: id, epoch, sequence: 2, time_us: 0 };
        let prev = Some(Position { epoch: was.epoch, sequence: 1 });
        let mark = Mark { topic: topic(number), stamp, oldest: 1, prev };
        feed.message(mark.pack().unwrap(), started.elapsed());
    }
    let (resyncs, live) = (HashSet::new(), HashSet::new());
    Link { feed, fake, inputs, started, replayed: 0, resyncs, live, is_live: false }
}

#[tokio::test]
async fn after_a_restart_ten_thousand_topics_recover() {
    const TOPICS: usize = 10_000;
    let mut link = behind_on(TOPICS).await;
    // For each step of progress: the whole takes as long as the machine needs.
    let patience = Duration::from_secs(60);
    let mut deadline = Instant::now() + patience;
    while !link.is_live {
        assert!(Instant::now() < deadline, "{} of {TOPICS} are live", link.live.len());
        let live = link.live.len();
        link.step().await;
        if link.live.len() > live {
            deadline = Instant::now() + patience;
        }
        // A poll with a deadline.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!((link.live.len(), link.replayed, link.resyncs.len()), (TOPICS, TOPICS, 0));
}
