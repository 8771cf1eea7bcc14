//! The shell around the feed, over a driver that always has something to receive.

#[cfg(test)]
#[path = "tracked/busy.rs"]
mod busy;

#[cfg(test)]
use busy::Busy;

use std::sync::Arc;
use std::time::Duration;

use delivery::Position;
use delivery::subscriber::{FeedOptions, SavedPosition, TrackedSubscriber};
use pubsub_api::Topic;
use tokio::time::timeout;

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
