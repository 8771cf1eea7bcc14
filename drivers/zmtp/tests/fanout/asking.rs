//! Peers that ask: what is taken for a request, what it costs, and how they are answered.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use drivers_zmtp::protocol::{Command, SocketType, put_event};
use pubsub_api::{Batch, Envelope, ErrorKind, PeerId, Publisher, Status};

use super::ends::{PATIENCE, publisher, seen, topic, until};
use super::raw_subscriber::{Heard, RawSubscriber};

fn dealer(address: std::net::SocketAddr) -> RawSubscriber {
    RawSubscriber::greeted_as(address, SocketType::Dealer, 1)
}

fn request(name: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_event(&mut bytes, name.as_bytes(), payload);
    bytes
}

/// The next request's asker and payload.
async fn asked(publisher: &Arc<dyn Publisher>) -> (PeerId, Vec<u8>) {
    let next = publisher.requests().unwrap().next();
    let request = tokio::time::timeout(PATIENCE, next).await.expect("a request in time").unwrap();
    (request.peer, request.envelope.payload.to_vec())
}

/// A number of events of equal size, each beginning with its number.
fn answer(events: u32, bytes: usize) -> Batch {
    let mut batch = Batch::new();
    for number in 0..events {
        let mut payload = vec![b'x'; bytes];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        batch.push(Envelope { topic: topic("$answer"), payload: Bytes::from(payload) });
    }
    batch
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[..4].try_into().unwrap())
}

fn dropped(publisher: &Arc<dyn Publisher>, cause: &str) -> u64 {
    publisher.status().counter("requests_dropped", Some(cause))
}

fn depth(status: &Status, queue: &str) -> (u64, u64) {
    let reading = status.queues.iter().find(|reading| reading.name == queue).unwrap();
    (reading.depth, reading.bound)
}

/// The crate `rzmq` does so by default.
#[tokio::test]
async fn an_empty_frame_before_a_request_is_stepped_over() {
    let (publisher, address) = publisher(&[]).await;
    let mut dealer = dealer(address);
    dealer.say(&[&b"\x01\0"[..], &request("$ask", b"with a delimiter")].concat());
    let (peer, payload) = asked(&publisher).await;
    assert_eq!(payload, b"with a delimiter");
    publisher.requests().unwrap().answer(peer, &mut answer(1, 10)).await.unwrap();
    assert_eq!(number(&dealer.event().1), 0);
    assert_eq!(dropped(&publisher, "frame_count"), 0);
}

#[tokio::test]
async fn what_is_no_request_is_stepped_over_and_counted_by_cause() {
    let (publisher, address) = publisher(&[]).await;
    let mut dealer = dealer(address);
    let mut three = b"\x01\x04$ask\x01\x01x".to_vec();
    three.extend_from_slice(b"\0\x01y");
    for (cause, bytes) in [
        // An empty first frame is a delimiter: what follows is one frame.
        ("frame_count", request("", b"x")),
        ("bad_topic", request(&format!("${}", "t".repeat(261)), b"x")),
        ("bad_topic", b"\x01\x02$\xff\0\x01x".to_vec()),
        ("frame_count", b"\0\x04$ask".to_vec()),
        ("frame_count", three),
        ("not_reserved", request("D", b"x")),
        ("too_big", request("$ask", &vec![0; 65_536 + 1])),
        ("too_big", request("$ask", &vec![0; 65_536])),
    ] {
        let before = dropped(&publisher, cause);
        dealer.say(&bytes);
        until(cause, || dropped(&publisher, cause) == before + 1).await;
    }
    dealer.command(&Command::Ping { ttl: 0, context: b"" });
    assert_eq!(dealer.hear(), Heard::Pong);
    let longest = format!("${}", "t".repeat(260));
    dealer.say(&request(&longest, b"good"));
    let (peer, payload) = asked(&publisher).await;
    assert_eq!(payload, b"good");
    publisher.requests().unwrap().answer(peer, &mut answer(1, 10)).await.unwrap();
    assert_eq!(dealer.event().0, "$answer");
    assert_eq!(publisher.status().counter("requests_received", None), 1);
    assert_eq!(publisher.status().counter("events_answered", None), 1);
}

#[tokio::test]
async fn what_nobody_sends_by_mistake_ends_the_asker() {
    let (publisher, address) = publisher(&[]).await;
    for (cause, bytes) in [
        ("frame_too_long", &b"\x01\x01$\x02\0\0\0\x02\0\0\0\0"[..]),
        ("too_many_frames", &[&b"\x01\0".repeat(17)[..], b"\0\0"].concat()),
        ("bad_flags", b"\x10\0"),
    ] {
        let mut hostile = dealer(address);
        hostile.say(bytes);
        hostile.until_closed();
        until(cause, || publisher.status().counter("peers_refused", Some(cause)) == 1).await;
    }
}

#[tokio::test]
async fn a_flood_that_nobody_reads_is_bounded_and_leaves_room_for_others() {
    const FLOOD: usize = 100_000;
    let (publisher, address) = publisher(&[]).await;
    let mut flood = dealer(address);
    let flooding = tokio::task::spawn_blocking(move || {
        flood.flood(&request("$ask", &[b'x'; 100]), FLOOD);
        flood
    });
    let _flood = flooding.await.unwrap();
    until("the flood is counted", || dropped(&publisher, "too_many_of_peer") == FLOOD as u64 - 64).await;
    assert_eq!(depth(&publisher.status(), "requests"), (64, 1024));
    let mut modest = dealer(address);
    modest.say(&request("$ask", b"me, too"));
    until("it is taken", || depth(&publisher.status(), "requests").0 == 65).await;
    let mut many: Vec<RawSubscriber> = (0..20).map(|_| dealer(address)).collect();
    for dealer in &mut many {
        dealer.say(&request("$ask", &[b'x'; 100]).repeat(64));
    }
    until("the queue is full", || dropped(&publisher, "queue_full") == 20 * 64 - (1024 - 65)).await;
    assert_eq!(depth(&publisher.status(), "requests"), (1024, 1024));
    let flooded = asked(&publisher).await.0;
    for _ in 1..64 {
        assert_eq!(asked(&publisher).await.0, flooded);
    }
    assert_eq!(asked(&publisher).await.1, b"me, too");
}

#[tokio::test]
async fn an_asker_that_reads_nothing_costs_a_bounded_amount_and_slows_nobody() {
    // No heartbeat ends the connection before the answer is given up.
    let settings = ["dead_after=2s", "drivers.zmtp.heartbeat_interval=60s"];
    let (publisher, address) = publisher(&settings).await;
    let mut subscriber = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 1).await;
    let mut stalled = dealer(address);
    stalled.say(&request("$ask", b"everything"));
    let (peer, _) = asked(&publisher).await;
    let answering = tokio::spawn({
        let publisher = Arc::clone(&publisher);
        async move {
            let mut batch = answer(1000, 100_000);
            let ended = publisher.requests().unwrap().answer(peer, &mut batch).await;
            (ended, batch.len())
        }
    });
    let mut sent = 0;
    while !answering.is_finished() {
        publisher.send(&topic("D"), Bytes::from(vec![b'x'; 10_000])).await.unwrap();
        assert_eq!(subscriber.event().1.len(), 10_000);
        // What is kept for the asker is not owed to a subscriber.
        publisher.flush().await.unwrap();
        let status = publisher.status();
        let (depth, bound) = depth(&status, "answers");
        assert!(depth <= bound, "{depth}");
        sent += 1;
        if status.peers.iter().any(|peer| peer.state == "behind") {
            panic!("an asker is never behind: {status:?}");
        }
        // The pace of the load; the loop ends with the answering.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (ended, left) = answering.await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(left > 0 && sent > 100, "{left} left, {sent} sent meanwhile");
    for wanted in 0..1000 - u32::try_from(left).unwrap() {
        assert_eq!(number(&stalled.event().1), wanted, "what was put arrives whole");
    }
}

#[tokio::test]
async fn a_ping_is_answered_between_the_events_of_an_answer() {
    const EVENTS: u32 = 60;
    let (publisher, address) = publisher(&[]).await;
    let mut slow = dealer(address);
    slow.say(&request("$ask", b"all"));
    let (peer, _) = asked(&publisher).await;
    let answering = tokio::spawn({
        let publisher = Arc::clone(&publisher);
        async move { publisher.requests().unwrap().answer(peer, &mut answer(EVENTS, 1_000_000)).await }
    });
    until("the answer waits", || {
        let (depth, bound) = depth(&publisher.status(), "answers");
        depth > bound / 2
    })
    .await;
    for _ in 0..EVENTS {
        slow.command(&Command::Ping { ttl: 0, context: b"context" });
    }
    let reading = tokio::task::spawn_blocking(move || {
        let (mut events, mut pongs) = (0, 0);
        while events < EVENTS || pongs < EVENTS {
            match slow.hear() {
                Heard::Event(_, payload) => {
                    assert_eq!((payload.len(), number(&payload)), (1_000_000, events));
                    events += 1;
                }
                Heard::Pong | Heard::RetryAfter(_) => pongs += 1,
                Heard::Ping => {}
                Heard::End => panic!("closed"),
            }
        }
        slow
    });
    reading.await.unwrap();
    answering.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_asker_that_leaves_ends_its_answer_at_once() {
    let (publisher, address) = publisher(&[]).await;
    let mut leaving = dealer(address);
    leaving.say(&request("$ask", b"everything"));
    let (peer, _) = asked(&publisher).await;
    let answering = tokio::spawn({
        let publisher = Arc::clone(&publisher);
        async move { publisher.requests().unwrap().answer(peer, &mut answer(1000, 100_000)).await }
    });
    until("the answer waits", || depth(&publisher.status(), "answers").0 > 0).await;
    leaving.reset();
    drop(leaving);
    let ended = tokio::time::timeout(PATIENCE, answering).await.expect("an end in time").unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Unavailable);
    let gone = publisher.requests().unwrap().answer(peer, &mut answer(1, 10)).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(depth(&publisher.status(), "answers").0, 0);
}

#[tokio::test]
async fn what_is_no_event_is_refused_and_what_is_before_it_is_put() {
    let (publisher, address) = publisher(&[]).await;
    let mut dealer = dealer(address);
    dealer.say(&request("$ask", b"all"));
    let (peer, _) = asked(&publisher).await;
    let mut batch = answer(2, 10);
    let block = batch.add_block(Bytes::from_static(b"\0x"));
    assert!(batch.push_span(block, 0..1, 1..2));
    let refused = publisher.requests().unwrap().answer(peer, &mut batch).await.unwrap_err();
    assert_eq!((refused.kind(), batch.len()), (ErrorKind::Invalid, 1));
    for wanted in 0..2 {
        assert_eq!(number(&dealer.event().1), wanted);
    }
}

#[tokio::test]
async fn many_askers_are_answered_while_events_go_on() {
    const ASKERS: usize = 40;
    const EVENTS: u32 = 2000;
    let (publisher, address) = publisher(&[]).await;
    let mut subscriber = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 1).await;
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| {
            let mut asker = dealer(address);
            asker.say(&request("$ask", b"all"));
            tokio::task::spawn_blocking(move || {
                for wanted in 0..EVENTS {
                    assert_eq!(number(&asker.event().1), wanted);
                }
            })
        })
        .collect();
    let answering = tokio::spawn({
        let publisher = Arc::clone(&publisher);
        async move {
            for _ in 0..ASKERS {
                let (peer, _) = asked(&publisher).await;
                publisher.requests().unwrap().answer(peer, &mut answer(EVENTS, 200)).await.unwrap();
            }
        }
    });
    while !answering.is_finished() {
        publisher.send(&topic("D"), Bytes::from_static(b"x")).await.unwrap();
        assert_eq!(subscriber.event().0, "D");
        tokio::task::yield_now().await;
    }
    answering.await.unwrap();
    for asker in askers {
        asker.await.unwrap();
    }
}
