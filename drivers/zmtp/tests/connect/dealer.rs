//! The worker's end before services that acknowledge: it is a DEALER to them, and keeps what is not acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use drivers_zmtp::protocol::{GREETING_BYTES, Greeting, Handshake, Mechanism, SocketType};
use pubsub_api::{ErrorKind, Publisher, Topic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::ends::{depth, publisher, until, within};
use crate::peer::Peer;
use crate::router::{Introduced, Router, ack, listen};

async fn send(publisher: &Arc<dyn Publisher>, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let payload = Bytes::from(number.to_string());
        within("room", publisher.send(&Topic::new("a").unwrap(), payload)).await.unwrap();
    }
}

fn counted(publisher: &Arc<dyn Publisher>, name: &str) -> u64 {
    publisher.status().counter(name, None)
}

#[tokio::test]
async fn events_are_kept_until_they_are_acknowledged_and_flush_waits_for_that() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    send(&publisher, 1..=3).await;
    let mut service = Router::accept(&listener).await;
    assert_eq!((service.introduced.first, service.introduced.sent_before), (1, 0));
    service.expect(1..=3).await;
    let flushing = tokio::spawn({
        let publisher = Arc::clone(&publisher);
        async move { publisher.flush().await }
    });
    service.acknowledge(2).await;
    until("two acknowledged", || counted(&publisher, "events_acknowledged") == 2).await;
    assert!(!flushing.is_finished());
    assert_eq!(depth(&publisher.status(), "send_queue"), 1);
    // Neither what is known nor what is no acknowledgement changes anything.
    service.acknowledge(1).await;
    service.peer.event("a", b"not for workers").await;
    service.peer.event("$ack", &[0; 5000]).await;
    service.acknowledge(3).await;
    within("the end of flush", flushing).await.unwrap().unwrap();
    assert_eq!(depth(&publisher.status(), "send_queue"), 0);
    assert_eq!(publisher.status().peers[0].state, "up");
    within("the end of close", publisher.close()).await.unwrap();
    assert_eq!(service.event().await, None);
    assert_eq!(
        (counted(&publisher, "events_handed_over"), counted(&publisher, "events_unconfirmed")),
        (3, 0)
    );
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_in_order_and_before_what_is_newer() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    let (mut acknowledged, mut sent, mut worker) = (0, 0, None);
    for round in 1..=5_u64 {
        let before = sent;
        sent += 20;
        send(&publisher, before + 1..=sent).await;
        let mut service = Router::accept(&listener).await;
        let wanted = Introduced {
            worker: worker.get_or_insert(service.introduced.worker.clone()).clone(),
            first: acknowledged + 1,
            sent_before: before,
        };
        assert_eq!(service.introduced, wanted, "round {round}");
        service.expect(acknowledged + 1..=sent).await;
        until("all written", || counted(&publisher, "events_handed_over") == sent).await;
        acknowledged = sent - 10 - round;
        service.acknowledge(acknowledged).await;
        until("acknowledged", || counted(&publisher, "events_acknowledged") == acknowledged).await;
        drop(service);
        until("the end of the link", || counted(&publisher, "links_lost") == round).await;
        assert_eq!(depth(&publisher.status(), "send_queue"), sent - acknowledged);
    }
    assert_eq!(counted(&publisher, "events_resent"), 11 + 12 + 13 + 14);
    assert_eq!(counted(&publisher, "events_in_doubt"), 0);
}

#[tokio::test]
async fn a_service_that_dies_within_an_event_gets_it_whole_when_it_is_back() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    let payload = |number: u8| Bytes::from(vec![number; 100_000]);
    for number in 1..=20 {
        within("room", publisher.send(&Topic::new("a").unwrap(), payload(number))).await.unwrap();
    }
    let mut first = Router::accept(&listener).await;
    let mut read = vec![0; 250_000];
    within("two events and a half", first.peer.stream.read_exact(&mut read)).await.unwrap();
    first.acknowledge(1).await;
    until("one acknowledged", || counted(&publisher, "events_acknowledged") == 1).await;
    drop(first);
    let mut second = Router::accept(&listener).await;
    let Introduced { first, sent_before, .. } = second.introduced;
    assert_eq!(first, 2);
    assert!(
        (2..20).contains(&sent_before),
        "two were read, and the last cannot have been written: {sent_before}"
    );
    for number in 2..=20 {
        let (_, came) = second.peer.taken().await.unwrap().unwrap();
        assert_eq!(came, payload(number), "event {number}");
    }
    second.acknowledge(20).await;
    within("the end of close", publisher.close()).await.unwrap();
}

#[tokio::test]
async fn a_full_outbox_of_unacknowledged_events_is_overloaded_after_send_timeout() {
    let (_folder, path, listener) = listen();
    let sets = ["drivers.zmtp.send_queue_events=10", "send_timeout=300ms", "linger=100ms"];
    let publisher = publisher(&path, &sets);
    send(&publisher, 1..=10).await;
    let mut service = Router::accept(&listener).await;
    service.expect(1..=10).await;
    let begun = Instant::now();
    let refused = publisher.send(&Topic::new("a").unwrap(), Bytes::new()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Overloaded);
    assert!(begun.elapsed() >= Duration::from_millis(300), "it waits for an acknowledgement");
    let flushed = publisher.flush().await.unwrap_err();
    assert_eq!(flushed.kind(), ErrorKind::Unavailable);
    service.acknowledge(1).await;
    send(&publisher, 11..=11).await;
    service.expect(11..=11).await;
    let closed = within("close", publisher.close()).await.unwrap_err();
    assert!(closed.to_string().starts_with("10 events were not confirmed"), "{closed}");
    assert_eq!(publisher.status().counter("events_dropped", Some("closed")), 10);
}

#[tokio::test]
async fn an_acknowledgement_that_cannot_be_ends_the_connection_and_nothing_is_lost() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    send(&publisher, 1..=2).await;
    for (round, wrong) in [ack(3), ack(u64::MAX), b"\x80".to_vec(), b"junk".to_vec()].into_iter().enumerate()
    {
        let mut service = Router::accept(&listener).await;
        service.expect(1..=2).await;
        service.peer.event("$ack", &wrong).await;
        assert_eq!(service.event().await, None, "round {round}");
    }
    let mut service = Router::accept(&listener).await;
    service.expect(1..=2).await;
    service.acknowledge(2).await;
    within("the end of flush", publisher.flush()).await.unwrap();
}

#[tokio::test]
async fn each_publisher_is_a_worker_of_its_own() {
    let (_folder, path, listener) = listen();
    let mut workers = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let publisher = publisher(&path, &["linger=10ms"]);
        send(&publisher, 1..=1).await;
        assert!(workers.insert(Router::accept(&listener).await.introduced.worker), "{workers:?}");
    }
}

/// Closes as libzmq does, without a word about why; it had sent its own READY, or not.
async fn refuses_as_libzmq_does(listener: &UnixListener, ready: bool) {
    let (mut stream, _) = within("a connection", listener.accept()).await.unwrap();
    let mut hello = pull_hello();
    if !ready {
        hello.truncate(GREETING_BYTES);
    }
    stream.write_all(&hello).await.unwrap();
    let mut said = [0; 64 + 43];
    within("greeting and READY", stream.read_exact(&mut said)).await.unwrap();
    assert!(said.windows(6).any(|word| word == b"DEALER"), "{said:?}");
}

/// Greeting and READY of a PULL.
fn pull_hello() -> Vec<u8> {
    let mut hello = Vec::new();
    let mut machine = Handshake::connector(SocketType::Pull, &mut hello);
    // The first stage of a listener's greeting makes it send the rest of its own.
    machine.take(&Greeting::encode(Mechanism::Null)[..11], &mut hello).unwrap();
    hello
}

/// Serves as libzmq does: its READY comes at once.
async fn accept_as_libzmq_does(listener: &UnixListener) -> Peer<tokio::net::UnixStream> {
    let (mut stream, _) = within("a connection", listener.accept()).await.unwrap();
    stream.write_all(&pull_hello()).await.unwrap();
    let mut said = [0; 64 + 28];
    within("greeting and READY", stream.read_exact(&mut said)).await.unwrap();
    assert!(said.ends_with(b"\x04PUSH"), "{said:?}");
    Peer::met(stream)
}

#[tokio::test]
async fn a_plain_pull_is_handed_over_to_and_an_upgraded_service_is_noticed() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    for (round, ready) in [true, false].into_iter().enumerate() {
        let number = round as u64 + 1;
        send(&publisher, number..=number).await;
        refuses_as_libzmq_does(&listener, ready).await;
        let mut pull = accept_as_libzmq_does(&listener).await;
        within("the end of flush", publisher.flush()).await.unwrap();
        assert_eq!(pull.taken().await.unwrap().unwrap().1, number.to_string().as_bytes());
        assert_eq!(publisher.status().peers[0].state, "up, not confirming");
        assert_eq!(counted(&publisher, "events_unconfirmed"), number);
        drop(pull);
        until("the end of the link", || counted(&publisher, "links_lost") == number).await;
    }
    send(&publisher, 3..=3).await;
    let mut service = Router::accept(&listener).await;
    assert_eq!((service.introduced.first, service.introduced.sent_before), (3, 2), "the others went by hand");
    service.expect(3..=3).await;
    service.acknowledge(3).await;
    within("the end of flush", publisher.flush()).await.unwrap();
    assert_eq!(counted(&publisher, "events_acknowledged"), 1);
    assert_eq!(publisher.status().peers[0].state, "up");
}

#[tokio::test]
async fn what_a_service_did_not_acknowledge_goes_to_the_plain_pull_that_replaces_it() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    send(&publisher, 1..=3).await;
    let mut service = Router::accept(&listener).await;
    service.expect(1..=3).await;
    service.acknowledge(1).await;
    until("one acknowledged", || counted(&publisher, "events_acknowledged") == 1).await;
    drop(service);
    refuses_as_libzmq_does(&listener, true).await;
    let mut pull = accept_as_libzmq_does(&listener).await;
    for number in ["2", "3"] {
        assert_eq!(pull.taken().await.unwrap().unwrap().1, number.as_bytes());
    }
    until("nothing is kept", || depth(&publisher.status(), "send_queue") == 0).await;
    assert_eq!(counted(&publisher, "events_resent"), 2);
}

#[tokio::test]
async fn a_service_of_ours_that_ends_within_the_handshake_is_no_plain_pull() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &["drivers.zmtp.handshake_timeout=300ms"]);
    send(&publisher, 1..=1).await;
    refuses_as_libzmq_does(&listener, false).await;
    // The next one waits for the worker's READY, and gets none: a worker that announced PUSH would stay one.
    let (mut ours, _) = within("a connection", listener.accept()).await.unwrap();
    let mut said = Vec::new();
    ours.write_all(&pull_hello()[..GREETING_BYTES]).await.unwrap();
    within("the end of patience", ours.read_to_end(&mut said)).await.unwrap();
    assert_eq!(said.len(), GREETING_BYTES);
    Router::accept(&listener).await.expect(1..=1).await;
}
