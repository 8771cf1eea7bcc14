//! One seed, one history.

use std::time::Duration;

use faulty_driver::{Faults, FaultyNetwork};
use pubsub_api::Incoming;
use tokio::time::{Instant, timeout};

use crate::node::{LONG, millis, pair};

/// What two nodes hear, and when, under all faults together.
async fn history(seed: u64) -> Vec<(Duration, u8)> {
    let network = FaultyNetwork::mesh(seed);
    let (one, two) = pair(&network).await;
    network.set_faults(Faults {
        loss: 0.1,
        duplication: 0.1,
        reordering: 0.1,
        late_by: Duration::from_millis(500),
        delay: millis(1, 20),
    });
    let start = Instant::now();
    for number in 0..200 {
        one.say(number).await;
    }
    let mut history = Vec::new();
    while let Ok(Ok(Incoming::Event(envelope))) = timeout(LONG, two.subscriber.recv()).await {
        history.push((start.elapsed(), envelope.payload.last().copied().unwrap()));
    }
    history
}

#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_history_and_another_seed_another() {
    let first = history(7).await;
    assert!(first.len() > 100);
    for _ in 0..3 {
        assert_eq!(history(7).await, first);
    }
    assert_ne!(history(8).await, first);
}
