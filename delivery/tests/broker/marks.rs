use std::time::Duration;

use delivery::{BrokerOptions, Control};
use pubsub_api::{ErrorKind, Publisher};
use tokio::time::{Instant, sleep};

use crate::fake::{Fake, OPTIONS, Verdict, batch, broker, send};

/// When the marks of a topic came, in tenths of a second, with their numbers.
fn marks(fake: &Fake, topic: &str) -> Vec<(u128, u64)> {
    let published = fake.published.lock().unwrap();
    let mark = |(at, event): &(Duration, _)| {
        let event: &pubsub_api::Envelope = event;
        match Control::read(&event.topic, &event.payload).ok()?? {
            Control::Mark(mark) if mark.topic.as_str() == topic => {
                Some((at.as_millis() / 100, mark.stamp.sequence))
            }
            _ => None,
        }
    };
    published.iter().filter_map(mark).collect()
}

#[tokio::test(start_paused = true)]
async fn marks_follow_a_topics_last_event_and_then_come_every_minute() {
    let (publisher, fake) = broker(OPTIONS);
    publisher.send_batch(&mut batch(&[("a", "1"), ("b", "2")])).await.unwrap();
    sleep(Duration::from_millis(590)).await;
    send(&publisher, "a", "3").await.unwrap();
    sleep(Duration::from_secs(9)).await;
    assert_eq!(marks(&fake, "b"), [(2, 1), (10, 1), (20, 1), (40, 1)]);
    assert_eq!(marks(&fake, "a"), [(2, 1), (8, 2), (16, 2), (26, 2), (46, 2)]);
    sleep(Duration::from_secs(600)).await;
    let marks = marks(&fake, "b");
    let idle: Vec<u128> = marks[3..].windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!((8..=12).contains(&idle.len()), "{idle:?}");
    assert!(idle.iter().all(|tenths| (480..=721).contains(tenths)), "60 s, and a fifth: {idle:?}");
    assert!(idle.iter().any(|tenths| *tenths != idle[0]), "spread: {idle:?}");
}

#[tokio::test(start_paused = true)]
async fn at_the_end_waiting_events_are_sent_and_then_a_bye_on_each_topic() {
    let (publisher, fake) = broker(OPTIONS);
    send(&publisher, "a", "1").await.unwrap();
    fake.once("2", Verdict::Refuse(ErrorKind::InDoubt));
    assert_eq!(send(&publisher, "b", "2").await.unwrap_err().kind(), ErrorKind::InDoubt);
    let waiting = tokio::spawn({
        let publisher = std::sync::Arc::clone(&publisher);
        async move { send(&publisher, "a", "3").await }
    });
    tokio::task::yield_now().await;
    publisher.close().await.unwrap();
    waiting.await.unwrap().unwrap();
    let mut last = fake.words().split_off(1);
    last.sort();
    assert_eq!(last, ["a 2 3", "bye a 2", "bye b 1", "lost b 1"]);
    publisher.close().await.unwrap();
    assert_eq!(send(&publisher, "a", "4").await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(publisher.send_batch(&mut batch(&[("a", "4")])).await.unwrap_err().kind(), ErrorKind::Closed);
    let published = fake.words().len();
    sleep(Duration::from_secs(100)).await;
    assert_eq!(fake.words().len(), published, "no marks after a bye");
    assert_eq!(publisher.delivery_status().counter("byes", None), 2, "it can still be read");
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_sent_nothing_closes_without_a_message() {
    let (publisher, fake) = broker(OPTIONS);
    publisher.flush().await.unwrap();
    publisher.close().await.unwrap();
    assert_eq!(fake.words(), [""; 0]);
    assert_eq!(send(&publisher, "a", "1").await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_stalls_keeps_closing_no_longer_than_linger() {
    let (publisher, fake) = broker(OPTIONS);
    send(&publisher, "a", "1").await.unwrap();
    fake.judge(|_| Verdict::Stall);
    let start = Instant::now();
    publisher.close().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_longest_idle_topic_sends_bye_and_returns_above_its_sequences() {
    let (publisher, fake) = broker(BrokerOptions { max_topics: 2, ..OPTIONS });
    for (topic, key) in [("a", "1"), ("a", "2"), ("b", "3"), ("c", "4"), ("a", "5")] {
        send(&publisher, topic, key).await.unwrap();
    }
    assert_eq!(fake.words(), ["a 1 1", "a 2 2", "b 1 3", "bye a 2", "c 3 4", "bye b 1", "a 3 5"]);
    publisher.send_batch(&mut batch(&[("d", "6"), ("e", "7"), ("f", "8")])).await.unwrap();
    let topics = publisher.status().queues.into_iter().find(|queue| queue.name == "topics").unwrap();
    assert_eq!(
        (topics.depth, topics.bound),
        (2, 2),
        "a batch of more topics than there is room for goes in parts"
    );
    let words = fake.words();
    assert_eq!(words.iter().filter(|word| word.starts_with("bye")).count(), 5, "{words:?}");
    assert_eq!(publisher.delivery_status().counter("topics_retired", None), 5);
    sleep(Duration::from_secs(10)).await;
    assert_eq!((marks(&fake, "d").len(), marks(&fake, "e").len()), (0, 4), "retired ones have no marks");
}
