//! DEALER before publishers of all kinds.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use drivers_zmtp::protocol::{GREETING_BYTES, Greeting, Mechanism, SocketType, put_event};
use pubsub_api::{Envelope, Reply, Status, Subscriber, Topic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::ends::{depth, subscriber, until, within};
use crate::peer::{Peer, Said, accept, listen};

fn request(text: &str) -> Envelope {
    Envelope { topic: Topic::new("$ask").unwrap(), payload: Bytes::copy_from_slice(text.as_bytes()) }
}

fn ask(subscriber: &Arc<dyn Subscriber>, address: &str, text: &str) -> bool {
    subscriber.requester().unwrap().request(address, request(text))
}

async fn reply(subscriber: &Arc<dyn Subscriber>) -> Reply {
    within("a reply", subscriber.requester().unwrap().next()).await.unwrap()
}

/// The next reply is a part; its topic and payload.
async fn part(subscriber: &Arc<dyn Subscriber>, address: &str) -> (String, Bytes) {
    match reply(subscriber).await {
        Reply::Part { endpoint, envelope } => {
            assert_eq!(endpoint, address);
            (envelope.topic.to_string(), envelope.payload)
        }
        other => panic!("a part was due, and {other:?} came"),
    }
}

/// The next reply is a loss; its reason.
async fn lost(subscriber: &Arc<dyn Subscriber>, address: &str) -> String {
    match reply(subscriber).await {
        Reply::Lost { endpoint, reason } => {
            assert_eq!(endpoint, address);
            reason
        }
        other => panic!("a loss was due, and {other:?} came"),
    }
}

/// A subscriber with its connection for events, and the listener that it asks at.
async fn linked(sets: &[&str]) -> (Arc<dyn Subscriber>, TcpListener, String, Peer<TcpStream>) {
    let (listener, address) = listen().await;
    let subscriber = subscriber(sets, &[], &[&address]).await;
    let peer = accept(&listener, 1).await;
    (subscriber, listener, address, peer)
}

/// The next connection to the listener, met as a ROUTER.
async fn router_of(listener: &TcpListener) -> Peer<TcpStream> {
    let (stream, _) = within("a connection for requests", listener.accept()).await.unwrap();
    Peer::meet_any(stream, 1, &[SocketType::Dealer]).await.unwrap()
}

async fn taken(router: &mut Peer<TcpStream>) -> String {
    let (topic, payload) = router.taken().await.expect("a request").expect("no end");
    assert_eq!(topic, "$ask");
    String::from_utf8(payload).unwrap()
}

#[tokio::test]
async fn the_connection_is_made_at_the_first_request_and_carries_what_is_asked_and_answered() {
    let (subscriber, listener, address, _events) = linked(&["drivers.zmtp.heartbeat_interval=60s"]).await;
    let early = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(early.is_err(), "nothing was asked yet");
    assert!(!ask(&subscriber, "tcp://192.0.2.1:1", "a stranger"));
    assert!(ask(&subscriber, &address, "one") && ask(&subscriber, &address, "two"));
    let mut router = router_of(&listener).await;
    assert_eq!((taken(&mut router).await, taken(&mut router).await), ("one".to_owned(), "two".to_owned()));
    router.event("a", b"of two").await;
    router.hello().await;
    router.event(&format!("$mark.{}", "t".repeat(255)), b"the longest").await;
    assert_eq!(part(&subscriber, &address).await, ("a".to_owned(), Bytes::from_static(b"of two")));
    assert_eq!(part(&subscriber, &address).await.0, "$hello", "what was asked for is no notice");
    assert_eq!(part(&subscriber, &address).await.1, "the longest");
    router.ping(b"who is there?").await;
    assert_eq!(router.said().await, Said::Pong);
    let status = subscriber.status();
    for (name, value) in [("requests_sent", 2), ("replies_received", 3), ("events_received", 0)] {
        assert_eq!(status.counter(name, None), value, "{name}");
    }
}

#[tokio::test]
async fn what_is_no_event_is_stepped_over_and_counted_by_cause() {
    let (subscriber, listener, address, _events) = linked(&[]).await;
    assert!(ask(&subscriber, &address, "all"));
    let mut router = router_of(&listener).await;
    for junk in [&b"\0\x03one"[..], b"\x01\0\0\x01x", b"\x01\x02\xff\xfe\0\x01x"] {
        router.write(junk).await;
    }
    router.event("a", b"good").await;
    assert_eq!(part(&subscriber, &address).await.1, "good");
    let status = subscriber.status();
    assert_eq!(status.counter("replies_dropped", Some("frame_count")), 1);
    assert_eq!(status.counter("replies_dropped", Some("bad_topic")), 2);
    router.write(b"\x10\0").await;
    assert_eq!(lost(&subscriber, &address).await, "a frame has flags that ZMTP reserves");
}

#[tokio::test]
async fn what_was_asked_is_lost_with_the_connection_and_the_next_request_makes_another() {
    let (subscriber, listener, address, _events) = linked(&[]).await;
    for round in ["first", "second"] {
        assert!(ask(&subscriber, &address, round));
        let mut router = router_of(&listener).await;
        assert_eq!(taken(&mut router).await, round);
        router.event("a", b"begun").await;
        drop(router);
        assert_eq!(part(&subscriber, &address).await.1, "begun", "what came counts");
        assert_eq!(lost(&subscriber, &address).await, "the publisher closed the connection");
    }
    assert_eq!(subscriber.status().counter("requests_lost", None), 2);
}

#[tokio::test]
async fn requests_to_a_peer_that_is_unreachable_or_never_replies_are_lost() {
    let (subscriber, listener, address, events) = linked(&["drivers.zmtp.handshake_timeout=200ms"]).await;
    assert!(ask(&subscriber, &address, "a tarpit"));
    let tarpit = within("a connection", listener.accept()).await.unwrap();
    assert!(lost(&subscriber, &address).await.contains("handshake_timeout"));
    drop((tarpit, events, listener));
    assert!(ask(&subscriber, &address, "nobody"));
    assert!(lost(&subscriber, &address).await.contains("refused"));
}

/// As a `zmq_pubsub_driver` or a PUB of libzmq does.
#[tokio::test]
async fn a_publisher_that_has_no_place_for_requests_refuses_what_it_is_asked() {
    let (subscriber, listener, address, _events) = linked(&[]).await;
    for request in ["first", "second"] {
        assert!(ask(&subscriber, &address, request));
        let (stream, _) = within("a connection for requests", listener.accept()).await.unwrap();
        assert!(Peer::meet(stream, 1).await.is_err(), "a DEALER came");
        match reply(&subscriber).await {
            Reply::Refused { endpoint, reason } => assert!(endpoint == address && !reason.is_empty()),
            other => panic!("a refusal was due, and {other:?} came"),
        }
    }
    assert_eq!(subscriber.status().counter("requests_lost", None), 2);
}

/// As a libzmq XPUB does, such as that of a proxy; one that closes before it greets may have no room, and is asked again.
#[tokio::test]
async fn a_listener_that_greets_and_then_closes_takes_no_requests() {
    let (subscriber, listener, address, _events) = linked(&[]).await;
    assert!(ask(&subscriber, &address, "without a greeting"));
    drop(within("a connection for requests", listener.accept()).await.unwrap());
    assert!(lost(&subscriber, &address).await.contains("closed the connection during the handshake"));
    for request in ["first", "second"] {
        assert!(ask(&subscriber, &address, request));
        let (mut stream, _) = within("a connection for requests", listener.accept()).await.unwrap();
        stream.write_all(&Greeting::encode(Mechanism::Null)).await.unwrap();
        let mut said = [0; GREETING_BYTES + 1];
        within("its greeting and READY", stream.read_exact(&mut said)).await.unwrap();
        drop(stream);
        match reply(&subscriber).await {
            Reply::Refused { endpoint, reason } => assert!(endpoint == address && !reason.is_empty()),
            other => panic!("a refusal was due, and {other:?} came"),
        }
    }
}

#[tokio::test]
async fn a_publisher_that_falls_silent_is_dead_after_dead_after() {
    let (subscriber, listener, address, _events) = linked(&["dead_after=2s"]).await;
    assert!(ask(&subscriber, &address, "anything"));
    let mut router = router_of(&listener).await;
    assert_eq!(taken(&mut router).await, "anything");
    assert_eq!(router.taken().await, Err(Said::Ping));
    assert_eq!(lost(&subscriber, &address).await, "no sign of life for 2s (dead_after)");
}

#[tokio::test]
async fn requests_that_cannot_be_sent_are_bounded() {
    let (subscriber, listener, address, _events) = linked(&["drivers.zmtp.handshake_timeout=60s"]).await;
    for _ in 0..64 {
        assert!(ask(&subscriber, &address, "?"));
    }
    let _tarpit = within("a connection", listener.accept()).await.unwrap();
    assert!(!ask(&subscriber, &address, "one too many"));
    assert!(!subscriber.requester().unwrap().request(&address, request(&"x".repeat(65_536))));
    let status = subscriber.status();
    assert_eq!(depth(&status, "requests"), 64);
    assert_eq!(status.counter("requests_dropped", Some("queue_full")), 1);
    assert_eq!(status.counter("requests_dropped", Some("too_big")), 1);
}

#[tokio::test]
async fn when_nobody_reads_the_replies_reading_stops_and_nothing_is_lost() {
    const EVENTS: u32 = 50_000;
    let (subscriber, listener, address, _events) = linked(&["dead_after=2s"]).await;
    assert!(ask(&subscriber, &address, "all"));
    let mut router = router_of(&listener).await;
    assert_eq!(taken(&mut router).await, "all");
    let bound = |status: &Status, name: &str| {
        status.queues.iter().find(|queue| queue.name == name).map(|queue| queue.bound).unwrap()
    };
    let writing = tokio::spawn(async move {
        let mut bytes = Vec::new();
        for number in 0..EVENTS {
            put_event(&mut bytes, b"a", &[&number.to_be_bytes()[..], &[b'x'; 996]].concat());
        }
        AsyncWriteExt::write_all(&mut router.stream, &bytes).await.unwrap();
        router
    });
    until("the queue is full", || {
        let status = subscriber.status();
        depth(&status, "replies_bytes") == bound(&status, "replies_bytes")
    })
    .await;
    // Longer than a publisher that is not heard may live: the silence is ours.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(!writing.is_finished(), "50 MB were read");
    for number in 0..EVENTS {
        let (_, payload) = part(&subscriber, &address).await;
        assert_eq!(payload[..4], number.to_be_bytes());
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_taken_away_ends_its_connection_and_loses_what_it_owes() {
    let (subscriber, listener, address, _events) = linked(&[]).await;
    assert!(ask(&subscriber, &address, "anything"));
    let mut router = router_of(&listener).await;
    assert_eq!(taken(&mut router).await, "anything");
    assert!(subscriber.unregister_listen_address(&address));
    assert_eq!(lost(&subscriber, &address).await, "the address was unregistered");
    while let Err(Said::Ping) = router.taken().await {}
    assert!(!ask(&subscriber, &address, "too late"));
}
