//! More topics than one request holds, and more than a publisher answers at once.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use delivery::subscriber::{Feed, FeedOptions, Item, SavedPosition};
use delivery::{Mark, Position, SyncReply, SyncReplyKind, SyncRequest};
use pubsub_api::{Action, Envelope, Event, Notice, PublisherEpoch, Reply, Stamp, Topic};

const ENDPOINT: &str = "a";
const EPOCH: u64 = 2;

/// A publisher that answers a limited number of requests per second, and refuses the others.
struct Publisher {
    per_second: u32,
    answered_at: Vec<Duration>,
    requests: usize,
}

impl Publisher {
    fn answer(&mut self, request: &Envelope, now: Duration) -> Vec<Envelope> {
        self.requests += 1;
        let SyncRequest { id, items } = SyncRequest::read(request).unwrap();
        self.answered_at.retain(|at| now - *at < Duration::from_secs(1));
        let is_busy = self.answered_at.len() >= self.per_second as usize;
        if !is_busy {
            self.answered_at.push(now);
        }
        let mut answers = Vec::new();
        for want in items {
            let kind = match is_busy {
                true => SyncReplyKind::Busy { retry_after: Duration::from_millis(100) },
                false => SyncReplyKind::Replay { count: 1 },
            };
            answers.push(head(id, &want.topic, kind));
            if !is_busy {
                let event = Event::new("t", "k", Action::Set, "v", want.topic);
                answers.push(Envelope::pack(&Event { stamp: Some(stamp()), ..event }).unwrap());
            }
        }
        answers
    }
}

fn head(id: u64, topic: &Topic, kind: SyncReplyKind) -> Envelope {
    SyncReply { id, topic: topic.clone(), stamp: stamp(), kind, epochs: Vec::new() }.pack().unwrap()
}

fn stamp() -> Stamp {
    Stamp { publisher: 7, epoch: EPOCH, sequence: 2, time_us: 0 }
}

fn topic(number: usize) -> Topic {
    Topic::new(format!("tenant-{number}")).unwrap()
}

/// A subscriber that has number 1 of each topic, while its publisher is at 2 in a later life.
fn behind_on(topics: usize) -> Feed {
    let mut feed = Feed::new(FeedOptions { max_topics: topics, ..FeedOptions::default() });
    let position = Position { epoch: 1, sequence: 1 };
    feed.resume((0..topics).map(|number| SavedPosition { publisher: 7, topic: topic(number), position }));
    let publisher_epoch = Some(PublisherEpoch { publisher: 7, epoch: EPOCH });
    feed.notice(Notice::Subscribed { publisher: ENDPOINT.to_owned(), publisher_epoch }, Duration::ZERO);
    for number in 0..topics {
        let mark = Mark { topic: topic(number), stamp: stamp(), oldest: 1, prev: Some(position) };
        feed.message(mark.pack().unwrap(), Duration::ZERO);
    }
    feed
}

/// What became of each topic, once the publisher is live as a whole; and after how long.
fn ends(mut feed: Feed, publisher: &mut Publisher) -> (BTreeMap<&'static str, usize>, Duration) {
    let (mut now, mut ended) = (Duration::ZERO, HashSet::new());
    let mut counts = BTreeMap::new();
    loop {
        while let Some(item) = feed.next_item() {
            let (what, topic) = match item {
                Item::Notice(Notice::Live { topic: Some(topic), .. }) => ("live", topic),
                Item::Notice(Notice::Resync { topic: Some(topic), .. }) => ("resync", topic),
                Item::Notice(Notice::Live { topic: None, .. }) => return (counts, now),
                _ => continue,
            };
            ended.insert(topic);
            *counts.entry(what).or_default() += 1;
        }
        let requests = feed.requests();
        if requests.is_empty() {
            now = feed.next_tick(now);
            assert!(now < Duration::from_secs(1800), "{} topics have ended", ended.len());
            feed.tick(now);
        }
        for (_, request) in requests {
            for envelope in publisher.answer(&request, now) {
                feed.reply(Reply::Part { endpoint: ENDPOINT.to_owned(), envelope }, now);
            }
        }
    }
}

#[test]
fn every_topic_of_ten_thousand_and_of_seventy_thousand_recovers_in_full_pages() {
    for topics in [10_000, 70_000] {
        let mut publisher = Publisher { per_second: 100, answered_at: Vec::new(), requests: 0 };
        let (counts, took) = ends(behind_on(topics), &mut publisher);
        assert_eq!(counts, BTreeMap::from([("live", topics)]));
        assert_eq!(
            publisher.requests,
            topics.div_ceil(delivery::MAX_SYNC_ITEMS),
            "full pages, none of them refused"
        );
        assert!(took < Duration::from_secs(30), "{topics} topics took {took:?}");
    }
}

#[test]
fn a_publisher_that_replies_slowly_refuses_requests_and_loses_no_topic() {
    let mut publisher = Publisher { per_second: 2, answered_at: Vec::new(), requests: 0 };
    let (counts, took) = ends(behind_on(10_000), &mut publisher);
    assert_eq!(counts, BTreeMap::from([("live", 10_000)]));
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn every_topic_ends_in_a_resync_if_the_publisher_never_replies() {
    let mut feed = behind_on(10_000);
    let (mut now, mut resyncs) = (Duration::ZERO, HashSet::new());
    while now < Duration::from_secs(60) {
        now = feed.next_tick(now);
        feed.tick(now);
        feed.requests();
        while let Some(item) = feed.next_item() {
            if let Item::Notice(Notice::Resync { topic: Some(topic), .. }) = item {
                resyncs.insert(topic);
            }
        }
    }
    assert_eq!(resyncs.len(), 10_000);
}
