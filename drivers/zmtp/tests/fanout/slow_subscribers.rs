//! Subscribers that do not read: bounded, notified, and no burden to others.

use bytes::Bytes;
use drivers_zmtp::protocol::Command;
use pubsub_api::Publisher;
use pubsub_api::wire::EventRef;
use std::sync::Arc;

use super::ends::{publisher, seen, topic, until};
use super::raw_subscriber::{Heard, RawSubscriber};

const RING: &str = "drivers.zmtp.fanout_log_bytes=4MiB";

/// More than a ring and the sockets' buffers hold together.
const EVENTS: usize = 1500;

fn payload(number: usize) -> Bytes {
    let mut bytes = vec![b'x'; 20_000];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Bytes::from(bytes)
}

fn number(payload: &[u8]) -> u64 {
    u64::from_be_bytes(payload[..8].try_into().unwrap())
}

/// Publishes all, while a reader takes all.
async fn publish_all(publisher: &Arc<dyn Publisher>, reader: RawSubscriber) -> RawSubscriber {
    let mut reader = reader;
    for start in (0..EVENTS).step_by(50) {
        for event in start..start + 50 {
            publisher.send(&topic("D"), payload(event)).await.unwrap();
        }
        for event in start..start + 50 {
            assert_eq!(number(&reader.event().1), event as u64, "the one that reads misses nothing");
        }
    }
    reader
}

#[tokio::test]
async fn a_subscriber_that_falls_off_the_log_receives_the_exact_number_of_missed_events_and_continues() {
    let (publisher, address) = publisher(&[RING]).await;
    let mut slow = RawSubscriber::of(address, &["D", "$hello"]);
    let fast = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 3).await;
    publish_all(&publisher, fast).await;
    let dropped = publisher.status().counter("events_dropped", Some("slow_subscriber"));
    assert!(dropped > 0);
    let ring = publisher.status().queues.into_iter().find(|queue| queue.name == "ring").unwrap();
    assert!(ring.depth <= ring.bound, "{ring:?}");
    publisher.send(&topic("D"), payload(EVENTS)).await.unwrap();
    let (mut next, mut lost) = (0, 0);
    while next <= EVENTS as u64 {
        let (name, came) = slow.event();
        if name == "D" {
            assert_eq!(number(&came), next);
            next += 1;
            continue;
        }
        let event = EventRef::read(b"$hello", &came).unwrap();
        assert_eq!((event.table, event.action), (Some("$hello"), "lost"));
        let missed = u64::from_be_bytes(came[came.len() - 8..].try_into().unwrap());
        next += missed;
        lost += missed;
    }
    assert_eq!(lost, dropped, "the counted events are the reported ones");
}

#[tokio::test]
async fn an_old_peer_on_the_send_all_topic_receives_a_sync() {
    let (publisher, address) = publisher(&[RING]).await;
    let mut slow = RawSubscriber::of(address, &["D"]);
    let fast = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 2).await;
    publish_all(&publisher, fast).await;
    publisher.send(&topic("D"), payload(EVENTS)).await.unwrap();
    let mut synced = 0;
    loop {
        let (_, came) = slow.event();
        match EventRef::read(b"D", &came) {
            Ok(event) if event.action == "sync" => synced += 1,
            _ if number(&came) == EVENTS as u64 => break,
            _ => {}
        }
    }
    assert!(synced >= 1);
}

#[tokio::test]
async fn any_other_peer_is_disconnected() {
    let (publisher, address) = publisher(&[RING]).await;
    let mut slow = RawSubscriber::of(address, &["D1"]);
    let mut fast = RawSubscriber::of(address, &["D1"]);
    seen(&publisher, 2).await;
    let name = topic("D1");
    for event in 0..EVENTS {
        publisher.send(&name, payload(event)).await.unwrap();
        assert_eq!(number(&fast.event().1), event as u64);
    }
    let mut next = 0;
    loop {
        match slow.hear() {
            Heard::Event(_, came) => {
                assert_eq!(number(&came), next);
                next += 1;
            }
            Heard::Ping | Heard::Pong | Heard::RetryAfter(_) => {}
            Heard::End => break,
        }
    }
    assert!(next < EVENTS as u64);
    assert_eq!(publisher.status().counter("peers_refused", Some("slow_subscriber")), 1);
}

#[tokio::test]
async fn a_peer_that_floods_pings_and_takes_no_answer_costs_a_bounded_outbox() {
    let (publisher, address) = publisher(&[]).await;
    let mut flood = RawSubscriber::of(address, &["D"]);
    let mut other = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 2).await;
    let mut pings = Vec::new();
    for _ in 0..10_000 {
        Command::Ping { ttl: 0, context: b"0123456789abcdef" }.put(&mut pings);
    }
    let flooding = tokio::task::spawn_blocking(move || {
        // It blocks when the publisher stops reading: then it reads.
        flood.flood(&pings, 50);
        flood
    });
    for event in 0..100 {
        publisher.send(&topic("D"), payload(event)).await.unwrap();
        assert_eq!(number(&other.event().1), event as u64);
    }
    drop(flooding.await.unwrap());
    until("the flooding peer is gone", || publisher.status().counter("peers_left", None) == 1).await;
}
