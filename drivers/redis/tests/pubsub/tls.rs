//! Events over TLS.

use pubsub_api::{ErrorKind, Incoming, Notice};
use redis_servers::{Authority, RedisServer};
use tokio::time::{Duration, timeout};

use crate::ends::{Reader, event, packed, publisher, refused, topic};

fn trusting(authority: &Authority) -> Vec<String> {
    vec![
        "drivers.redis.tls=true".to_owned(),
        format!("drivers.redis.ca_file={}", authority.ca_file().display()),
    ]
}

fn words(sets: &[String]) -> Vec<&str> {
    sets.iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_sent_over_tls_and_a_lost_link_is_restored() {
    let authority = Authority::new();
    let server = RedisServer::start_tls(&authority, &authority.sign(&["127.0.0.1"]), &[]);
    let (hosts, sets) = ([server.tls_address()], trusting(&authority));
    let mut reader = Reader::subscribed(&hosts, &["t"], &words(&sets)).await;
    let sender = publisher(&hosts, &words(&sets)).await;
    // Many events in one pipeline, each larger than a TLS record.
    let large = pubsub_api::Event { value: "v".repeat(40_000).into(), ..event("t", "large") };
    let mut batch = pubsub_api::Batch::new();
    for _ in 0..50 {
        batch.push(pubsub_api::Envelope::pack(&large).unwrap());
    }
    batch.push(packed("t", "last"));
    sender.send_batch(&mut batch).await.unwrap();
    for _ in 0..50 {
        reader.expect("t", "large").await;
    }
    reader.expect("t", "last").await;
    server.raw().call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    reader.loss_and_return().await;
    sender.send(&topic("t"), packed("t", "again").payload).await.unwrap();
    reader.expect("t", "again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publisher_and_subscriber_refuse_a_certificate_for_another_name() {
    let authority = Authority::new();
    let server = RedisServer::start_tls(&authority, &authority.sign(&["redis.example.org"]), &[]);
    let (hosts, mut sets) = ([server.tls_address()], trusting(&authority));
    let sender = publisher(&hosts, &words(&sets)).await;
    let text = refused(sender.send_event(&event("t", "1")).await, ErrorKind::Unavailable);
    assert!(text.contains("127.0.0.1"), "the expected name is missing: {text}");
    let reader = Reader::begin(&hosts, &["t"], &words(&sets)).await;
    let heard = timeout(Duration::from_millis(500), reader.subscriber.recv()).await;
    assert!(!matches!(heard, Ok(Ok(Incoming::Notice(Notice::Subscribed { .. })))), "{heard:?}");

    sets.push("drivers.redis.tls_server_name=redis.example.org".to_owned());
    let mut reader = Reader::subscribed(&hosts, &["t"], &words(&sets)).await;
    let sender = publisher(&hosts, &words(&sets)).await;
    sender.send_event(&event("t", "2")).await.unwrap();
    reader.expect("t", "2").await;
}
