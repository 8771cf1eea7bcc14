//! The worker's end before services that acknowledge nothing: it is a PUSH to them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use drivers_zmtp::protocol::ProtocolError;
use pubsub_api::{ErrorKind, Publisher, Topic};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::ends::{depth, publisher, until, within};
use crate::peer::{Peer, Said};

/// A socket to connect to, in a folder of its own.
fn listen() -> (TempDir, PathBuf, UnixListener) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("publisher.sock");
    let listener = UnixListener::bind(&path).unwrap();
    (folder, path, listener)
}

/// Refuses the DEALER that comes first, and serves the PUSH.
async fn accept(listener: &UnixListener, minor: u8) -> Peer<UnixStream> {
    let (stream, _) = within("a connection", listener.accept()).await.unwrap();
    assert_eq!(Peer::meet(stream, minor).await.err(), Some(ProtocolError::WrongSocketType), "a DEALER first");
    let (stream, _) = within("a connection", listener.accept()).await.unwrap();
    Peer::meet(stream, minor).await.unwrap()
}

async fn send(publisher: &Arc<dyn Publisher>, payload: impl Into<Bytes>) {
    within("room", publisher.send(&Topic::new("a").unwrap(), payload.into())).await.unwrap();
}

/// A large event that is known by its number.
fn numbered(number: u8) -> Vec<u8> {
    vec![number; 100_000]
}

/// The next event's first byte; commands are passed over.
async fn number(peer: &mut Peer<UnixStream>) -> Option<u8> {
    loop {
        match peer.taken().await {
            Ok(Some((_, payload))) => return payload.first().copied(),
            Ok(None) => return None,
            Err(_) => {}
        }
    }
}

#[test]
fn a_publisher_that_sent_nothing_needs_no_runtime() {
    let (_folder, path, listener) = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("publisher.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        (folder, path, listener)
    };
    let publisher = publisher(&path, &[]);
    assert_eq!(depth(&publisher.status(), "send_queue"), 0);
    for _ in 0..2 {
        // Whatever runtime there was before is of no matter.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { publisher.initialize().await }).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = UnixListener::from_std(listener).unwrap();
        send(&publisher, "1").await;
        assert_eq!(number(&mut accept(&listener, 1).await).await, Some(b'1'));
    });
}

#[tokio::test]
async fn nothing_is_handed_over_before_the_handshake_is_complete() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &["drivers.zmtp.handshake_timeout=200ms"]);
    send(&publisher, "1").await;
    let (mut silent, _) = within("a connection", listener.accept()).await.unwrap();
    silent
        .write_all(&drivers_zmtp::protocol::Greeting::encode(drivers_zmtp::protocol::Mechanism::Null))
        .await
        .unwrap();
    let mut said = Vec::new();
    within("the end of patience", silent.read_to_end(&mut said)).await.unwrap();
    assert!(said.ends_with(b"\x06DEALER\x08Identity\0\0\0\0"), "greeting and READY, and {said:?} came");
    assert_eq!(publisher.status().counter("events_handed_over", None), 0);
    assert_eq!(number(&mut accept(&listener, 1).await).await, Some(b'1'));
    until("one event handed over", || publisher.status().counter("events_handed_over", None) == 1).await;
}

#[tokio::test]
async fn an_event_cut_by_a_break_is_sent_again_whole_and_what_was_whole_is_in_doubt() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    for event in 0..20 {
        send(&publisher, numbered(event)).await;
    }
    let mut first = accept(&listener, 0).await;
    let mut read = vec![0; 150_000];
    within("one event and a half", first.stream.read_exact(&mut read)).await.unwrap();
    // It takes no more: what the socket holds is written, and unread.
    drop(first);
    let mut second = accept(&listener, 0).await;
    let next = number(&mut second).await.unwrap();
    let status = publisher.status();
    let in_doubt = status.counter("events_in_doubt", None);
    assert!((1..20).contains(&next), "the first was read, and the last cannot have been written: {next}");
    assert!(in_doubt >= u64::from(next) - 1, "{next} were written, one was read, {in_doubt} are in doubt");
    assert!(in_doubt <= u64::from(next));
    for event in next + 1..20 {
        assert_eq!(number(&mut second).await, Some(event));
    }
    assert_eq!(publisher.status().counter("links_lost", None), 1);
    until("all handed over", || publisher.status().counter("events_handed_over", None) == 20).await;
}

#[tokio::test]
async fn a_pong_takes_what_was_read_out_of_doubt() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    send(&publisher, "1").await;
    let mut peer = accept(&listener, 1).await;
    assert_eq!(peer.taken().await, Ok(Some(("a".to_owned(), b"1".to_vec()))));
    assert_eq!(peer.taken().await, Err(Said::Ping), "it asks what was read");
    peer.pong().await;
    // The PONG to this one comes after the reading of that one.
    peer.ping(b"").await;
    assert_eq!(peer.taken().await, Err(Said::Pong));
    drop(peer);
    until("the loss of the link", || publisher.status().counter("links_lost", None) == 1).await;
    assert_eq!(publisher.status().counter("events_in_doubt", None), 0);
}

#[tokio::test]
async fn a_peer_of_zmtp_3_0_gets_no_ping_until_it_pings() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    let mut peer = {
        send(&publisher, "1").await;
        accept(&listener, 0).await
    };
    for event in 2..8_u8 {
        assert!(peer.taken().await.is_ok(), "an event, and no PING");
        // Several intervals together, so that a PING would be due.
        tokio::time::sleep(Duration::from_millis(50)).await;
        send(&publisher, vec![event]).await;
    }
    assert!(peer.taken().await.is_ok(), "an event, and no PING");
    peer.ping(b"x").await;
    let mut said = [peer.taken().await, peer.taken().await];
    said.sort_by_key(|said| format!("{said:?}"));
    assert_eq!(said, [Err(Said::Ping), Err(Said::Pong)]);
}

#[tokio::test]
async fn the_end_of_the_service_is_noticed_while_nothing_is_sent() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    send(&publisher, "1").await;
    let mut peer = accept(&listener, 0).await;
    assert_eq!(number(&mut peer).await, Some(b'1'));
    drop(peer);
    until("the loss of the link", || publisher.status().counter("links_lost", None) == 1).await;
    let mut again = accept(&listener, 0).await;
    send(&publisher, "2").await;
    assert_eq!(number(&mut again).await, Some(b'2'));
}

#[tokio::test]
async fn a_service_that_reads_nothing_for_long_is_slow_and_not_dead() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &["dead_after=2s"]);
    for event in 0..20 {
        send(&publisher, numbered(event)).await;
    }
    let mut peer = accept(&listener, 1).await;
    // Longer than `dead_after`: what must not happen has its time to happen.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    for event in 0..20 {
        assert_eq!(number(&mut peer).await, Some(event));
    }
    assert_eq!(publisher.status().counter("links_lost", None), 0);
}

#[tokio::test]
async fn close_hands_over_all_to_a_service_that_is_slow_and_has_been_talking() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    for event in 0..20 {
        send(&publisher, numbered(event)).await;
    }
    let mut peer = accept(&listener, 1).await;
    let closing = tokio::spawn({
        let publisher = Arc::clone(&publisher);
        async move { publisher.close().await }
    });
    for event in 0..20 {
        peer.ping(b"are you there?").await;
        assert_eq!(number(&mut peer).await, Some(event));
    }
    peer.ping(b"and now?").await;
    // The connection ends regularly: nothing was unread at the close.
    let mut rest = Vec::new();
    within("the end", peer.stream.read_to_end(&mut rest)).await.unwrap();
    assert!(!closing.is_finished(), "it waits until the service has read all, and closes too");
    drop(peer);
    within("the end of close", closing).await.unwrap().unwrap();
}

#[tokio::test]
async fn close_does_not_wait_longer_than_linger_for_a_service_that_stays() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &["linger=200ms"]);
    send(&publisher, "1").await;
    let mut peer = accept(&listener, 1).await;
    within("the end of close", publisher.close()).await.unwrap();
    assert_eq!(number(&mut peer).await, Some(b'1'), "all was handed over");
}

#[tokio::test]
async fn large_events_are_overloaded_at_16_mib() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher(&folder.path().join("publisher.sock"), &["send_timeout=10ms", "linger=10ms"]);
    let payload = Bytes::from(vec![0; 1024 * 1024]);
    for _ in 0..15 {
        send(&publisher, payload.clone()).await;
    }
    let refused = publisher.send(&Topic::new("a").unwrap(), payload).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Overloaded);
    assert!(refused.to_string().contains("send_queue_events"), "{refused}");
    let closed = within("close", publisher.close()).await.unwrap_err();
    assert!(closed.to_string().starts_with("15 events"), "{closed}");
    assert_eq!(publisher.status().counter("events_dropped", Some("closed")), 15);
}

#[tokio::test]
async fn a_publisher_that_is_dropped_hands_over_what_it_has() {
    let (_folder, path, listener) = listen();
    let publisher = publisher(&path, &[]);
    send(&publisher, "1").await;
    drop(publisher);
    assert_eq!(number(&mut accept(&listener, 1).await).await, Some(b'1'));
}
