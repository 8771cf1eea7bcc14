//! SUB before publishers of all kinds.

mod heartbeats;

use std::sync::Arc;
use std::time::{Duration, Instant};

use drivers_zmtp::protocol::{Command, Greeting, Mechanism, put_event};
use pubsub_api::{Batch, Incoming, Notice, Subscriber};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ends::{depth, subscriber, topic_of, until, within};
use crate::peer::{Peer, Said, accept, hello_payload, listen};

/// An event's topic, or a notice in a word.
async fn next(subscriber: &Arc<dyn Subscriber>) -> String {
    match within("an event or a notice", subscriber.recv()).await.unwrap() {
        Incoming::Event(envelope) => envelope.topic.to_string(),
        Incoming::Notice(notice) => word(&notice),
    }
}

fn word(notice: &Notice) -> String {
    match notice {
        Notice::LinkUp { .. } => "up".to_owned(),
        Notice::LinkDown { reason, .. } => format!("down: {reason}"),
        Notice::Subscribed { .. } => "subscribed".to_owned(),
        Notice::Gap { events, .. } => format!("gap of {events}"),
        other => format!("{other:?}"),
    }
}

async fn expect(subscriber: &Arc<dyn Subscriber>, words: &[&str]) {
    for word in words {
        assert_eq!(next(subscriber).await, *word);
    }
}

/// The payload of `lost`, as docs/design.md#wire-format has it.
fn lost(events: u64) -> Vec<u8> {
    let map =
        b"\x86\xa5table\xa6$hello\xa3key\xc0\xa6action\xa4lost\xa5value\xc0\xa5topic\xa6$hello\xa6events\xcf";
    [&map[..], &events.to_be_bytes()].concat()
}

#[tokio::test]
async fn a_publisher_that_never_greets_is_left_in_time_and_tried_again() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&["drivers.zmtp.handshake_timeout=200ms"], &["a"], &[&address]).await;
    let (mut tarpit, _) = within("a connection", listener.accept()).await.unwrap();
    let mut said = Vec::new();
    within("the end of the first connection", tarpit.read_to_end(&mut said)).await.unwrap();
    let mut healthy = accept(&listener, 1).await;
    assert_eq!(healthy.asked().await, ["a", "$hello"]);
    healthy.hello().await;
    expect(&subscriber, &["up", "subscribed"]).await;
}

#[tokio::test]
async fn a_peer_that_refuses_or_is_of_another_kind_is_tried_again() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&[], &["a"], &[&address]).await;
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b""] {
        let (mut stream, _) = within("a connection", listener.accept()).await.unwrap();
        AsyncWriteExt::write_all(&mut stream, answer).await.unwrap();
    }
    let _healthy = accept(&listener, 1).await;
    expect(&subscriber, &["up"]).await;
}

#[tokio::test]
async fn a_publisher_of_another_version_or_mechanism_is_counted_by_cause_and_tried_again() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&[], &["a"], &[&address]).await;
    let mut old = Greeting::encode(Mechanism::Null).to_vec();
    old[10] = 1;
    let curve = Greeting::encode(Mechanism::Curve).to_vec();
    for (cause, greeting) in [("old_version", old), ("wrong_mechanism", curve)] {
        let (mut stream, _) = within("a connection", listener.accept()).await.unwrap();
        stream.write_all(&greeting[..10]).await.unwrap();
        let mut heard = [0; 11];
        within("signature and major version", stream.read_exact(&mut heard)).await.unwrap();
        stream.write_all(&greeting[10..]).await.unwrap();
        let counted = || subscriber.status().counter("peers_refused", Some(cause)) == 1;
        until(&format!("{cause} is counted"), counted).await;
    }
    let _healthy = accept(&listener, 1).await;
    expect(&subscriber, &["up"]).await;
}

#[tokio::test]
async fn filters_go_out_in_the_form_of_the_peer_with_hello_last() {
    for minor in [0, 1] {
        let (listener, address) = listen().await;
        let subscriber =
            subscriber(&["drivers.zmtp.heartbeat_interval=60s"], &["z", "$hello", "b"], &[&address]).await;
        subscriber.register_topic("#".parse::<pubsub_api::Pattern>().unwrap().into()).unwrap();
        subscriber.register_topic("b*".parse::<pubsub_api::Pattern>().unwrap().into()).unwrap();
        // Those two may come in time for the first connection, or right after it.
        let mut peer = accept(&listener, minor).await;
        let mut asked = peer.asked().await;
        if !asked.contains(&String::new()) {
            assert_eq!(peer.said().await, Said::Subscribe(String::new()));
            asked = vec!["b".into(), "z".into(), String::new(), "$hello".into()];
        }
        assert_eq!(asked, ["b", "z", "", "$hello"]);
        assert!(subscriber.unregister_topic(&topic_of("z")));
        assert_eq!(peer.said().await, Said::Cancel("z".to_owned()));
    }
}

#[tokio::test]
async fn a_link_is_reported_up_subscribed_and_down_and_returns() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&[], &["a"], &[&address]).await;
    for _ in 0..2 {
        let mut peer = accept(&listener, 1).await;
        peer.asked().await;
        peer.event("a", b"1").await;
        peer.hello().await;
        peer.hello().await;
        peer.event("b", b"not asked for").await;
        peer.event("a", b"2").await;
        drop(peer);
        let words = ["up", "a", "subscribed", "a", "down: the publisher closed the connection"];
        expect(&subscriber, &words).await;
    }
    assert_eq!(subscriber.status().counter("links_lost", None), 2);
}

#[tokio::test]
async fn a_publisher_that_stops_is_connected_again_after_the_time_that_it_asked_for() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&[], &["a"], &[&address]).await;
    let mut peer = accept(&listener, 1).await;
    peer.asked().await;
    peer.hello().await;
    let (retry_after, stopped) = (Duration::from_millis(700), Instant::now());
    let mut bytes = Vec::new();
    Command::RetryAfter(retry_after).put(&mut bytes);
    peer.write(&bytes).await;
    peer.event("a", b"1").await;
    drop(peer);
    let down = "down: the publisher stopped; connecting again after 700ms";
    expect(&subscriber, &["up", "subscribed", "a", down]).await;
    let mut again = accept(&listener, 1).await;
    assert!(stopped.elapsed() >= retry_after, "it did not wait");
    again.hello().await;
    drop(again);
    // The request is of the connection that it was sent on.
    let down = "down: the publisher closed the connection";
    expect(&subscriber, &["up", "subscribed", down]).await;
}

#[tokio::test]
async fn what_came_before_nonsense_is_delivered_before_the_link_is_down() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&[], &["a"], &[&address]).await;
    let mut peer = accept(&listener, 1).await;
    let mut bytes = Vec::new();
    put_event(&mut bytes, b"a", b"1");
    bytes.extend_from_slice(b"\x80 nonsense");
    peer.write(&bytes).await;
    expect(&subscriber, &["up", "a", "down: a frame has flags that ZMTP reserves"]).await;
}

#[tokio::test]
async fn lost_is_a_gap_at_its_place_and_no_event() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&[], &["a", "$hello"], &[&address]).await;
    let mut peer = accept(&listener, 1).await;
    let mut bytes = Vec::new();
    for round in 1..=2 {
        put_event(&mut bytes, b"a", b"1");
        put_event(&mut bytes, b"$hello", &lost(round));
        put_event(&mut bytes, b"$hello", &hello_payload());
        put_event(&mut bytes, b"a", b"2");
    }
    peer.write(&bytes).await;
    expect(&subscriber, &["up", "a", "gap of 1", "subscribed", "$hello", "a"]).await;
    let mut batch = Batch::new();
    let notice = within("a batch", subscriber.recv_batch(&mut batch)).await.unwrap();
    assert_eq!((notice.as_ref().map(word), batch.len()), (Some("gap of 2".to_owned()), 1));
    expect(&subscriber, &["$hello", "a"]).await;
    assert_eq!(subscriber.status().counter("events_missed", None), 3);
}

#[tokio::test]
async fn a_topic_taken_back_and_wanted_again_while_connecting_is_asked_for_once() {
    for round in 0..1000 {
        let (listener, address) = listen().await;
        let subscriber = subscriber(&[], &["a"], &[&address]).await;
        // Some rounds change their mind while the connection is made, some when it stands.
        let changing = async {
            for _ in 0..3 {
                assert!(subscriber.unregister_topic(&topic_of("a")));
                if round % 2 == 0 {
                    tokio::task::yield_now().await;
                }
                assert!(subscriber.register_topic(topic_of("a")).unwrap());
            }
            subscriber.register_topic(topic_of("end")).unwrap();
        };
        let (mut peer, ()) = tokio::join!(accept(&listener, 1), changing);
        let mut standing = Vec::new();
        let is_complete = |standing: &[String]| {
            ["a", "$hello", "end"].iter().all(|it| standing.contains(&(*it).to_owned()))
        };
        while !is_complete(&standing) {
            match peer.said().await {
                Said::Subscribe(prefix) => {
                    assert!(!standing.contains(&prefix), "{prefix} is asked for twice in round {round}");
                    standing.push(prefix);
                }
                Said::Cancel(prefix) => standing.retain(|it| *it != prefix),
                Said::Ping => peer.pong().await,
                other => panic!("{other:?}"),
            }
        }
        subscriber.close().await;
        loop {
            match peer.said().await {
                Said::End => break,
                Said::Ping => {}
                other => panic!("nothing else is to be asked for, and {other:?} came in round {round}"),
            }
        }
    }
}

#[tokio::test]
async fn bytes_may_come_one_at_a_time() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&["drivers.zmtp.heartbeat_interval=60s"], &["a", "b"], &[&address]).await;
    let (stream, _) = within("a connection", listener.accept()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut peer = Peer::meet(stream, 1).await.unwrap();
    peer.asked().await;
    let mut bytes = Vec::new();
    put_event(&mut bytes, b"a", b"1");
    put_event(&mut bytes, b"$hello", &hello_payload());
    put_event(&mut bytes, b"b", &[b'x'; 400]);
    for byte in bytes {
        peer.write(&[byte]).await;
        tokio::task::yield_now().await;
    }
    expect(&subscriber, &["up", "a", "subscribed", "b"]).await;
}

#[tokio::test]
async fn an_unregistered_address_is_disconnected_without_a_notice() {
    let (listener, address) = listen().await;
    let subscriber = subscriber(&[], &["a"], &[&address]).await;
    let mut peer = accept(&listener, 1).await;
    peer.asked().await;
    peer.event("a", b"1").await;
    expect(&subscriber, &["up", "a"]).await;
    assert!(subscriber.unregister_listen_address(&address));
    while peer.said().await != Said::End {}
    subscriber.close().await;
    assert!(within("the end", subscriber.recv()).await.is_err(), "no `LinkDown`");
}

#[tokio::test]
async fn events_keep_no_more_than_their_block_and_large_ones_come_whole() {
    const LARGE: usize = 1024 * 1024;
    let (listener, address) = listen().await;
    let subscriber = subscriber(&[], &["a", "b"], &[&address]).await;
    let mut peer = accept(&listener, 1).await;
    peer.asked().await;
    let sending = async {
        for round in 0..20 {
            peer.event("a", &[round; 100]).await;
            peer.event("b", &vec![round; LARGE]).await;
        }
        peer
    };
    let receiving = async {
        expect(&subscriber, &["up"]).await;
        for round in 0..20 {
            for (topic, length) in [("a", 100), ("b", LARGE)] {
                let Incoming::Event(event) = within("an event", subscriber.recv()).await.unwrap() else {
                    panic!("an event is due")
                };
                assert_eq!((event.topic.as_str(), event.payload.len()), (topic, length));
                assert!(event.payload.iter().all(|byte| *byte == round));
            }
        }
    };
    let _ = tokio::join!(sending, receiving);
    until("an empty queue", || depth(&subscriber.status(), "recv_queue_bytes") == 0).await;
}
