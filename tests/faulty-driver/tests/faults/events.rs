//! Faults of single events.

use std::time::Duration;

use faulty_driver::{Faults, FaultyNetwork};
use pubsub_api::Incoming;
use tokio::time::{Instant, timeout};

use crate::node::{LONG, millis, pair};

#[tokio::test(start_paused = true)]
async fn without_faults_everything_arrives_once_in_order_and_at_once() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    let start = Instant::now();
    for number in 0..100 {
        one.say(number).await;
    }
    for number in 0..100_u32 {
        let Incoming::Event(envelope) = two.subscriber.recv().await.unwrap() else { panic!("no event") };
        assert_eq!(envelope.payload.as_ref(), number.to_be_bytes());
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(two.numbers().await, []);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_is_counted_and_does_not_arrive() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    network.set_faults(Faults { loss: 0.25, ..Faults::NONE });
    for number in 0..1_000 {
        one.say(number).await;
    }
    let arrived = two.numbers().await;
    assert_eq!(arrived.len() as u64, 1_000 - network.count("lost"));
    assert!((150..350).contains(&network.count("lost")), "{}", network.count("lost"));
    assert!(arrived.is_sorted_by(|one, next| one < next));
}

#[tokio::test(start_paused = true)]
async fn what_is_duplicated_arrives_twice() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    network.set_faults(Faults { duplication: 1.0, ..Faults::NONE });
    one.say(1).await;
    one.say(2).await;
    assert_eq!(two.numbers().await, [1, 1, 2, 2]);
    assert_eq!(network.count("duplicated"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_delay_keeps_the_order() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    network.set_faults(Faults { delay: millis(10, 90), ..Faults::NONE });
    let start = Instant::now();
    for number in 0..100 {
        one.say(number).await;
    }
    let first = timeout(LONG, two.subscriber.recv()).await.unwrap().unwrap();
    assert!(matches!(first, Incoming::Event(_)) && millis(10, 91).contains(&start.elapsed()));
    assert_eq!(two.numbers().await, (1..100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_is_late_is_overtaken() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    network.set_faults(Faults { reordering: 0.2, late_by: Duration::from_secs(1), ..Faults::NONE });
    for number in 0..100 {
        one.say(number).await;
    }
    let mut arrived = two.numbers().await;
    assert!(!arrived.is_sorted());
    assert!(network.count("late") > 0);
    arrived.sort_unstable();
    assert_eq!(arrived, (0..100).collect::<Vec<_>>(), "each arrives once");
}
