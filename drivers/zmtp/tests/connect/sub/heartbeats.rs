//! PING, PONG and silence: when a publisher counts as dead.

use std::time::{Duration, Instant};

use drivers_zmtp::protocol::put_event;
use tokio::io::AsyncReadExt;

use super::expect;
use crate::ends::{depth, subscriber, within};
use crate::peer::{Said, accept, listen};

#[tokio::test]
async fn a_ping_is_answered_with_its_context() {
    let (listener, address) = listen().await;
    let _subscriber = subscriber(&["drivers.zmtp.heartbeat_interval=60s"], &[], &[&address]).await;
    let mut peer = accept(&listener, 0).await;
    peer.asked().await;
    peer.ping(b"who is there?").await;
    let mut pong = [0; 2 + 5 + 13];
    within("a PONG", peer.stream.read_exact(&mut pong)).await.unwrap();
    assert_eq!(&pong, b"\x04\x12\x04PONGwho is there?");
}

#[tokio::test]
async fn a_silent_peer_that_knows_ping_is_dead_after_dead_after() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&["dead_after=2s"], &["a"], &[&address]).await;
    let mut peer = accept(&listener, 1).await;
    let start = Instant::now();
    peer.asked().await;
    assert_eq!(peer.said().await, Said::Ping);
    assert_eq!(peer.said().await, Said::End, "one PING is under way at a time");
    assert!(start.elapsed() >= Duration::from_secs(2));
    expect(&subscriber, &["up", "down: no sign of life for 2s (dead_after)"]).await;
    let _again = accept(&listener, 1).await;
    expect(&subscriber, &["up"]).await;
}

#[tokio::test]
async fn a_peer_of_zmtp_3_0_gets_no_ping_and_is_dead_when_its_hellos_end() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&["dead_after=2s"], &["a"], &[&address]).await;
    let mut peer = accept(&listener, 0).await;
    peer.asked().await;
    peer.hello().await;
    peer.event("a", b"1").await;
    assert_eq!(peer.said().await, Said::End, "neither PING nor anything else");
    expect(&subscriber, &["up", "subscribed", "a", "down: no sign of life for 2s (dead_after)"]).await;
}

#[tokio::test]
async fn a_publisher_with_hellos_sees_life_without_a_ping() {
    let (listener, address) = listen().await;
    let _subscriber = subscriber(&["drivers.zmtp.heartbeat_interval=100ms"], &["a"], &[&address]).await;
    let mut peer = accept(&listener, 1).await;
    peer.asked().await;
    peer.hello().await;
    let a_pong = async {
        loop {
            peer.event("a", b"1").await;
            match tokio::time::timeout(Duration::from_millis(20), peer.said()).await {
                Ok(Said::Pong) => return,
                // This test was held up for longer than the subscriber waits for an event.
                Ok(Said::Ping) => peer.pong().await,
                Ok(other) => panic!("a PONG was due, and {other:?} came"),
                Err(_) => {}
            }
        }
    };
    within("a PONG without a PING", a_pong).await;
}

#[tokio::test]
async fn while_the_application_does_not_read_the_publisher_sees_life_and_is_not_dead() {
    const EVENTS: usize = 3000;
    let (listener, address) = listen().await;
    let sets = ["dead_after=2s", "drivers.zmtp.recv_queue_events=10"];
    let subscriber = subscriber(&sets, &["a"], &[&address]).await;
    let mut peer = accept(&listener, 1).await;
    peer.asked().await;
    peer.hello().await;
    let mut bytes = Vec::new();
    (0..EVENTS).for_each(|_| put_event(&mut bytes, b"a", b"payload"));
    peer.write(&bytes).await;
    let start = Instant::now();
    let mut pings = 0;
    while start.elapsed() < Duration::from_millis(2500) {
        assert_eq!(peer.said().await, Said::Ping);
        pings += 1;
    }
    assert!(pings >= 10, "a PING every 100 ms, and {pings} came in 2.5 s");
    assert_eq!(depth(&subscriber.status(), "recv_queue"), 10);
    expect(&subscriber, &["up", "subscribed"]).await;
    for _ in 0..EVENTS {
        expect(&subscriber, &["a"]).await;
    }
    peer.event("a", b"end").await;
    expect(&subscriber, &["a"]).await;
}
