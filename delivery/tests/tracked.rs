//! The shell around the feed, over a driver that always has something to receive.

#[cfg(test)]
#[path = "tracked/busy.rs"]
mod busy;

#[cfg(test)]
use busy::Busy;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use delivery::Position;
use delivery::subscriber::{FeedOptions, Item, SavedPosition, TrackedSubscriber};
use pubsub_api::{Notice, Topic};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

/// A subscriber that never has to wait must come to its timers all the same.
#[tokio::test]
async fn an_unconfirmed_topic_is_requested_even_if_there_is_always_something_to_receive() {
    let driver = Arc::new(Busy::default());
    let subscriber = TrackedSubscriber::new(Arc::clone(&driver) as _, FeedOptions::default());
    let (topic, position) = (Topic::new("quiet").unwrap(), Position { epoch: 1, sequence: 5 });
    subscriber.resume([SavedPosition { publisher: 1, topic, position }]);
    let asked = async {
        while driver.requests() == 0 {
            subscriber.recv().await.unwrap();
        }
    };
    timeout(Duration::from_secs(20), asked).await.expect("a request, within a second or so after the hello");
}

/// Positions that are saved must not contain what the application has not received.
#[tokio::test]
async fn positions_are_settled_exactly_when_every_item_was_received() {
    let driver = Arc::new(Busy::default());
    let subscriber = TrackedSubscriber::new(Arc::clone(&driver) as _, FeedOptions::default());
    let mut items = VecDeque::new();
    let mut applied = 0;
    for _ in 0..50 {
        let messages = 1 + items.len() % 7;
        timeout(PATIENCE, subscriber.recv_items(&mut items, messages)).await.expect("an item").unwrap();
        applied += items.drain(..).filter(|item| matches!(item, Item::Event { .. })).count() as u64;
        let positions = subscriber.settled_positions().expect("nothing is left in the subscriber");
        let sequences: Vec<u64> = positions.iter().map(|saved| saved.position.sequence).collect();
        assert_eq!(sequences, if applied == 0 { vec![] } else { vec![applied] });
    }
    subscriber.request_again(None);
    assert!(subscriber.settled_positions().is_none(), "a notice was not received yet");
    let notice = timeout(PATIENCE, subscriber.recv()).await.expect("a notice").unwrap();
    assert!(matches!(notice, Item::Notice(Notice::Recovering { .. })), "{notice:?}");
}
