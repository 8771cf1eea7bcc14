//! What `send` promises: an answer for each event, three tries, and an error in doubt if the result is unknown.

use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Batch, ErrorKind};
use redis_servers::RedisServer;
use tokio::time::Instant;

use crate::ends::{NO_CHECKS, Reader, event, packed, publisher, refused, wait_until};

fn batch_of(topics: &[&str]) -> Batch {
    let mut batch = Batch::new();
    batch.extend(topics.iter().map(|topic| packed(topic, topic)));
    batch
}

/// Publishing fails: the error is returned, and a lost connection is made again.
#[tokio::test]
async fn publish_failed_is_returned_and_the_next_call_connects_again() {
    let mut server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let sender = publisher(&hosts, &[]).await;
    sender.send_event(&event("a", "1")).await.unwrap();
    server.kill();
    wait_until("the loss is noticed", || sender.status().peers[0].state == "down").await;
    let began = Instant::now();
    let text = refused(sender.send_event(&event("a", "2")).await, ErrorKind::Unavailable);
    assert!(text.contains(&server.address()), "{text}");
    assert!(began.elapsed() < Duration::from_secs(20), "three tries, but not the whole send_timeout");
    assert_eq!(sender.status().counter("events_refused", Some("unavailable")), 1);
    assert_eq!(sender.status().counter("events_sent", None), 1);
    server.start_again();
    let mut reader = Reader::subscribed(&hosts, &["a"], &[]).await;
    sender.send_event(&event("a", "3")).await.unwrap();
    reader.expect("a", "3").await;
}

#[tokio::test]
async fn a_lost_connection_is_replaced_within_one_send() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["a"], &[NO_CHECKS]).await;
    // No other connections.
    let sender = publisher(&hosts, &[NO_CHECKS]).await;
    for round in 0..20 {
        sender.send_event(&event("a", &round.to_string())).await.unwrap();
        reader.expect("a", &round.to_string()).await;
        // The raw connection itself is not killed.
        assert_eq!(server.raw().call(&["CLIENT", "KILL", "TYPE", "normal"]).text(), "1");
    }
    sender.send_event(&event("a", "last")).await.unwrap();
    reader.expect("a", "last").await;
    assert_eq!(sender.status().counter("redis_connections_made", None), 21);
}

#[tokio::test]
async fn an_event_whose_answer_never_comes_is_in_doubt() {
    let server = RedisServer::start(&[]);
    let sender = publisher(&[server.address()], &["send_timeout=500ms"]).await;
    sender.send_event(&event("a", "1")).await.unwrap();
    server.halt();
    let error = sender.send_event(&event("a", "2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt, "{error}");
    assert_eq!(sender.status().counter("events_refused", Some("in_doubt")), 1);
    refused(sender.flush().await.map(|()| "flushed"), ErrorKind::Unavailable);
    server.go_on();
    wait_until("the node answers again", || sender.status().queues[0].depth == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_in_flight_are_bounded_and_further_ones_are_overloaded() {
    let server = RedisServer::start(&[]);
    let more = ["send_timeout=1s", "drivers.redis.publish_in_flight_events=10"];
    let sender = publisher(&[server.address()], &more).await;
    sender.send_event(&event("a", "1")).await.unwrap();
    server.halt();
    let mut sends = Vec::new();
    for number in 0..30 {
        let sender = Arc::clone(&sender);
        sends.push(tokio::spawn(async move { sender.send_event(&event("a", &number.to_string())).await }));
    }
    let mut kinds = Vec::new();
    for send in sends {
        kinds.push(send.await.unwrap().unwrap_err().kind());
    }
    let count = |kind| kinds.iter().filter(|is| **is == kind).count();
    assert_eq!((count(ErrorKind::InDoubt), count(ErrorKind::Overloaded)), (10, 20), "{kinds:?}");
    assert_eq!(sender.status().counter("events_refused", Some("overloaded")), 20);
    server.go_on();
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sends_share_one_connection_and_each_gets_its_answer() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["#"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    let mut tasks = Vec::new();
    for worker in 0..20 {
        let sender = Arc::clone(&sender);
        tasks.push(tokio::spawn(async move {
            for number in 0..50 {
                sender.send_event(&event(&format!("w{worker}"), &number.to_string())).await.unwrap();
            }
        }));
    }
    let mut next = [0_usize; 20];
    for _ in 0..1_000 {
        let (topic, key) = reader.event().await;
        let worker: usize = topic[1..].parse().unwrap();
        assert_eq!(key, next[worker].to_string(), "the order of {topic}");
        next[worker] += 1;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(sender.status().counter("redis_connections_made", None), 1);
    assert_eq!(sender.status().counter("events_sent", None), 1_000);
    sender.flush().await.unwrap();
    sender.close().await.unwrap();
}

#[tokio::test]
async fn a_batch_is_sent_in_windows_and_a_refused_event_stays_first() {
    let server = RedisServer::start(&[]);
    let mut raw = server.raw();
    raw.call(&["ACL", "SETUSER", "default", "resetchannels", "&a", "&b", "&end"]).expect_ok();
    let sender = publisher(&[server.address()], &[]).await;
    let mut reading = server.raw();
    reading.call(&["SUBSCRIBE", "a"]);
    reading.call(&["SUBSCRIBE", "b"]);
    let mut batch = batch_of(&["a", "a", "b", "a", "secret", "a", "b"]);
    let text = refused(sender.send_batch(&mut batch).await, ErrorKind::Settings);
    assert!(text.contains("NOPERM"), "{text}");
    assert_eq!(batch.len(), 3, "the refused event is the first one left");
    batch.advance(1);
    sender.send_batch(&mut batch).await.unwrap();
    let mut came = Vec::new();
    for _ in 0..6 {
        came.push(reading.pushed().unwrap().list()[1].text());
    }
    assert_eq!(
        came,
        ["a", "a", "b", "a", "a", "b"],
        "no event after the refused one was sent before it was removed"
    );
}

#[tokio::test]
async fn a_batch_survives_the_loss_of_its_connection() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["a"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    let mut batch = Batch::new();
    batch.extend((0..5_000).map(|number| packed("a", &number.to_string())));
    let sending = async {
        while !batch.is_empty() {
            // Three losses in a row are an error, and the next call sends the rest.
            let _ = sender.send_batch(&mut batch).await;
        }
    };
    let cutting = async {
        for _ in 0..10 {
            server.raw().call(&["CLIENT", "KILL", "TYPE", "normal"]);
            // Spreads the losses over the sending.
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    let receiving = async {
        let mut next = 0;
        while next < 5_000 {
            let number: usize = reader.event().await.1.parse().unwrap();
            assert!(number <= next, "{next} is missing before {number}");
            next = next.max(number + 1);
        }
    };
    tokio::join!(sending, cutting, receiving);
}
