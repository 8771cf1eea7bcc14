use std::time::Duration;

use bytes::Bytes;
use delivery::Control;
use pubsub_api::{HELLO, PeerId, SubscriptionSeen, TopicRights};
use tokio::time::{Instant, sleep};

use crate::fake::{To, batch, stamped};

/// The receivers of hellos, and the tenth of a second of each, when these are seen this number of milliseconds after the start;
/// until 1.9 s are over. Time stands still while anything is done; timers round up to milliseconds.
async fn hellos(seen: Vec<(u64, SubscriptionSeen)>) -> Vec<(u64, To)> {
    tokio::time::pause();
    let start = Instant::now();
    let (_publisher, fake, inputs) = stamped(None).await;
    for (at, seen) in seen {
        sleep(Duration::from_millis(at).saturating_sub(start.elapsed())).await;
        inputs.seen.send(seen).await.unwrap();
    }
    drop(inputs);
    sleep(Duration::from_millis(1_900).saturating_sub(start.elapsed())).await;
    let sent = fake.sent.lock().unwrap();
    let hellos = sent.iter().filter(|(_, _, event)| event.topic == HELLO);
    hellos.map(|(at, to, _)| (at.as_secs() * 10 + u64::from(at.subsec_millis() / 100), *to)).collect()
}

fn subscribed(peer: u64, prefix: &'static str) -> SubscriptionSeen {
    SubscriptionSeen::Subscribed { peer: PeerId(peer), prefix: Bytes::from(prefix), rights: TopicRights::ALL }
}

fn to(peer: u64) -> To {
    To::Peer(PeerId(peer))
}

#[tokio::test]
async fn a_new_subscriber_to_hellos_receives_one_at_once_alone() {
    let cancelled = SubscriptionSeen::Cancelled { peer: PeerId(1), prefix: Bytes::from("$hello") };
    let seen = vec![
        (300, subscribed(1, "D")),
        (300, subscribed(1, "$hello")),
        (400, cancelled),
        (500, subscribed(2, "")),
        (600, subscribed(3, "$hello!")),
    ];
    assert_eq!(hellos(seen).await, [(0, To::All), (3, to(1)), (5, to(2)), (10, To::All)]);
}

#[tokio::test]
async fn missed_subscriptions_make_one_more_hello_to_all_and_no_flood() {
    let missed = || SubscriptionSeen::Missed { count: 9 };
    let seen = vec![(300, missed()), (310, missed()), (320, missed()), (1_400, missed())];
    assert_eq!(hellos(seen).await, [(0, To::All), (3, To::All), (10, To::All), (14, To::All)]);
}

#[tokio::test]
async fn hellos_continue_when_the_driver_sees_no_more_subscriptions() {
    assert_eq!(hellos(Vec::new()).await, [(0, To::All), (10, To::All)]);
}

#[tokio::test]
async fn a_new_subscriber_receives_the_marks_of_its_topics_and_then_a_hello() {
    let (publisher, fake, inputs) = stamped(None).await;
    publisher.publish(&mut batch(&["a", "ab", "b", "a"])).await.unwrap();
    for (peer, prefixes, wanted) in [
        (1, vec!["$mark.a", "$hello"], vec!["a", "ab"]),
        (2, vec!["$mark.", "$hello"], vec!["a", "ab", "b"]),
        (3, vec![""], vec!["a", "ab", "b"]),
        (4, vec!["$mark.c", "$mark", "$hello"], vec!["a", "ab", "b"]),
        (5, vec!["a", "$hello"], vec![]),
    ] {
        for prefix in prefixes {
            inputs.seen.send(subscribed(peer, prefix)).await.unwrap();
        }
        let got = crate::fake::until("a hello", || {
            let sent = fake.sent.lock().unwrap();
            let own: Vec<_> = sent.iter().filter(|(_, to_whom, _)| *to_whom == to(peer)).collect();
            let topics = own.iter().map(|(_, _, event)| event.topic.to_string()).collect::<Vec<_>>();
            topics.contains(&"$hello".to_owned()).then_some(topics)
        });
        let wanted: Vec<String> = wanted.iter().map(|topic| format!("$mark.{topic}")).collect();
        assert_eq!(got.await, [wanted, vec!["$hello".to_owned()]].concat(), "peer {peer}");
    }
}

#[tokio::test]
async fn marks_follow_a_topics_last_event_and_never_come_before_it() {
    tokio::time::pause();
    let (publisher, fake, _inputs) = stamped(None).await;
    publisher.publish(&mut batch(&["a", "b"])).await.unwrap();
    sleep(Duration::from_millis(600)).await;
    publisher.publish(&mut batch(&["a"])).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let marks: Vec<(u128, String, u64)> = fake
        .controls()
        .into_iter()
        .filter_map(|(at, _, control)| match control {
            Control::Mark(mark) => Some((at.as_millis() / 50, mark.topic.to_string(), mark.stamp.sequence)),
            _ => None,
        })
        .collect();
    let of = |topic: &str| -> Vec<(u128, u64)> {
        let marks = marks.iter().filter(|(_, of, _)| of == topic);
        marks.map(|(at, _, number)| (*at, *number)).collect()
    };
    assert_eq!(of("b"), [(5, 1), (20, 1), (40, 1), (80, 1)]);
    assert_eq!(of("a"), [(5, 1), (17, 2), (32, 2), (52, 2), (92, 2)]);
}
