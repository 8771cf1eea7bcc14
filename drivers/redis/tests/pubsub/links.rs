//! Links that break: each loss is reported, and each return restores all subscriptions (docs/dragonflow.md#d28,
//! docs/dragonflow.md#d29).

use std::time::Duration;

use pubsub_api::{Incoming, Notice, Pattern};
use redis_servers::{RedisServer, until};
use tokio::time::{Instant, timeout};

use crate::ends::{Reader, event, packed, publisher, send_until_accepted, topic, wait_until};

const WANTED: &[&str] = &["a", "b.*", "c"];

/// Every subscribed topic, including those subscribed while the link was down, receives events.
async fn hears_everything(reader: &mut Reader, hosts: &[String], topics: &[&str]) {
    let sender = publisher(hosts, &[]).await;
    for name in topics {
        send_until_accepted(sender.as_ref(), name, name).await;
        reader.expect(name, name).await;
    }
}

/// Listening fails.
#[tokio::test]
async fn listen_failed_is_reported_and_all_subscriptions_are_restored() {
    let mut server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, WANTED, &[]).await;
    for _ in 0..3 {
        server.kill();
        reader.until_notice("the loss", |notice| matches!(notice, Notice::LinkDown { .. })).await;
        reader.subscriber.unregister_topic(&topic("c").into());
        reader.subscriber.register_topic(topic("late").into()).unwrap();
        server.start_again();
        let Notice::LinkUp { .. } = reader.until_notice("the return", |_| true).await else { panic!() };
        let Notice::Subscribed { .. } = reader.until_notice("the return", |_| true).await else { panic!() };
        let resync = reader.until_notice("what may be missing", |_| true).await;
        assert!(matches!(&resync, Notice::Resync { topic: None, .. }), "{resync:?}");
        hears_everything(&mut reader, &hosts, &["a", "b.1", "late"]).await;
    }
    assert_eq!(reader.subscriber.status().counter("links_lost", None), 3);
}

#[tokio::test]
async fn a_connection_closed_by_the_server_is_never_restored_silently() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, WANTED, &[]).await;
    for _ in 0..3 {
        assert_eq!(server.raw().call(&["CLIENT", "KILL", "TYPE", "pubsub"]).text(), "1");
        let (reason, _) = reader.loss_and_return().await;
        assert!(reason.contains("closed the connection") || reason.contains("lost"), "{reason}");
        hears_everything(&mut reader, &hosts, &["a", "b.1", "c"]).await;
    }
}

/// docs/guarantees.md#f68: at most 6 s with the defaults; a test's deadline is five times as long.
#[tokio::test]
async fn a_server_that_hangs_is_detected_and_so_is_its_return() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, WANTED, &[]).await;
    server.halt();
    let halted = Instant::now();
    let Notice::LinkDown { reason, .. } = reader.until_notice("the loss", |_| true).await else { panic!() };
    assert!(reason.contains("dead_after"), "{reason}");
    assert!(halted.elapsed() < Duration::from_secs(30), "{:?}", halted.elapsed());
    server.go_on();
    reader.until_notice("what may be missing", |notice| matches!(notice, Notice::Resync { .. })).await;
    hears_everything(&mut reader, &hosts, &["a", "b.1", "c"]).await;
}

#[tokio::test]
async fn an_idle_link_does_not_count_as_dead() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    for wanted in [WANTED, &[]] {
        let mut reader = Reader::subscribed(&hosts, wanted, &["dead_after=2s"]).await;
        let received = timeout(Duration::from_secs(6), reader.subscriber.recv()).await;
        assert!(received.is_err(), "unexpected: {received:?}");
        assert!(reader.subscriber.register_topic(topic("a").into()).is_ok());
        let sender = publisher(&hosts, &[]).await;
        until_heard(&mut reader, sender.as_ref()).await;
    }
}

async fn until_heard(reader: &mut Reader, sender: &dyn pubsub_api::Publisher) {
    for number in 0.. {
        send_until_accepted(sender, "a", &number.to_string()).await;
        if let Ok(Ok(Incoming::Event(_))) = timeout(Duration::from_millis(50), reader.subscriber.recv()).await
        {
            return;
        }
        assert!(number < 1_000, "{:?}", reader.subscriber.status());
    }
}

#[tokio::test]
async fn a_server_that_pauses_its_clients_for_long_is_lost_and_found_again() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, WANTED, &["dead_after=2s"]).await;
    server.raw().call(&["CLIENT", "PAUSE", "7000", "ALL"]).expect_ok();
    reader.loss_and_return().await;
    hears_everything(&mut reader, &hosts, &["a", "b.1", "c"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_disconnected_by_redis_and_gets_the_reason_and_a_resync() {
    let server = RedisServer::start(&["--client-output-buffer-limit", "pubsub", "1mb", "1mb", "0"]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["a"], &["drivers.redis.recv_queue_events=10"]).await;
    // Valkey 9 does not count events of 16 KiB and more.
    let payload = vec![b'x'; 10_000];
    let mut raw = server.raw();
    let clients = |raw: &mut redis_servers::Raw| raw.call(&["CLIENT", "LIST", "TYPE", "pubsub"]).text();
    assert!(!clients(&mut raw).is_empty());
    until("Redis disconnects the reader", || {
        for _ in 0..20 {
            raw.call(&[&b"PUBLISH"[..], b"a", &payload]);
        }
        clients(&mut raw).is_empty().then_some(())
    });
    let status = reader.subscriber.status();
    let queue = status.queues.iter().find(|queue| queue.name == "recv_queue").unwrap();
    assert!(queue.depth <= 10 && queue.bound == 10, "{queue:?}");
    let (reason, _) = reader.loss_and_return().await;
    assert!(reason.contains("client-output-buffer-limit"), "{reason}");
    assert!(reader.subscriber.status().counter("reading_held_back", None) > 0);
    hears_everything(&mut reader, &hosts, &["a"]).await;
}

#[tokio::test]
async fn the_queue_is_bounded_in_bytes_as_well_as_in_events() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["a"], &["drivers.redis.recv_queue_bytes=2MiB"]).await;
    let sender = publisher(&hosts, &[]).await;
    let payload = vec![b'x'; 500_000];
    for _ in 0..12 {
        sender.send(&topic("a"), payload.clone().into()).await.unwrap();
    }
    let depth = |reader: &Reader| {
        let queues = reader.subscriber.status().queues;
        queues.into_iter().find(|queue| queue.name == "recv_queue_bytes").unwrap()
    };
    wait_until("the queue is full", || depth(&reader).depth >= 1_900_000).await;
    for _ in 0..12 {
        assert!(depth(&reader).depth <= 2 * 1024 * 1024, "{:?}", depth(&reader));
        assert!(matches!(reader.next("an event").await, Incoming::Event(_)));
    }
    assert_eq!(depth(&reader).depth, 0);
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_is_normal() {
    let mut server = RedisServer::start(&[]);
    let hosts = [server.address()];
    server.kill();
    let mut reader = Reader::begin(&hosts, WANTED, &[]).await;
    let sender = publisher(&hosts, &["send_timeout=1s"]).await;
    assert!(sender.send_event(&event("a", "x")).await.is_err());
    server.start_again();
    reader.until_notice("Subscribed", |notice| matches!(notice, Notice::Subscribed { .. })).await;
    assert_eq!(reader.notices.len(), 2, "no loss, nothing to resync: {:?}", reader.notices);
    sender.send_event(&event("b.1", "x")).await.unwrap();
    reader.expect("b.1", "x").await;
}

#[tokio::test]
async fn after_a_loss_exactly_the_wanted_subscriptions_are_restored() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, WANTED, &[]).await;
    reader.subscriber.unregister_topic(&"b.*".parse::<Pattern>().unwrap().into());
    server.raw().call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    reader.loss_and_return().await;
    let mut raw = server.raw();
    let mut channels: Vec<_> =
        raw.call(&["PUBSUB", "CHANNELS"]).list().iter().map(redis_servers::Reply::text).collect();
    channels.sort();
    assert_eq!(channels, ["a", "c"]);
    assert_eq!(raw.call(&["PUBSUB", "NUMPAT"]).text(), "0");
    let sent = packed("a", "x");
    raw.call(&[&b"PUBLISH"[..], b"a", &sent.payload]);
    reader.expect("a", "x").await;
}
