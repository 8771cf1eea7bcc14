//! Which events are delivered, and that each is delivered once.

use bytes::Bytes;
use pubsub_api::wire::MAX_RECEIVED_BYTES;
use pubsub_api::{Action, Envelope, Event};
use redis_servers::RedisServer;

use crate::ends::{Reader, event, packed, publisher, topic};

/// Publishes on each topic; returns the keys that arrive before the marker.
async fn delivered(wanted: &[&str], published: &[&str]) -> Vec<String> {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let wanted: Vec<_> = wanted.iter().copied().chain(["end"]).collect();
    let mut reader = Reader::subscribed(&hosts, &wanted, &[]).await;
    let sender = publisher(&hosts, &[]).await;
    for name in published {
        sender.send_event(&event(name, name)).await.unwrap();
    }
    sender.send_event(&event("end", "end")).await.unwrap();
    let mut came = Vec::new();
    loop {
        match reader.event().await {
            (name, _) if name == "end" => return came,
            (name, _) => came.push(name),
        }
    }
}

#[tokio::test]
async fn overlapping_subscriptions_deliver_an_event_once() {
    let wanted = ["a.b", "a.*", "a.#", "a*", "a.b*", "#"];
    assert_eq!(delivered(&wanted, &["a.b", "a.c", "a", "b"]).await, ["a.b", "a.c", "a", "b"]);
}

#[tokio::test]
async fn wildcard_characters_of_redis_are_ordinary_characters_in_topics() {
    let names = ["a?b", "axb", "[ab]", "a", "\\x", "x", "^", "h[^e]llo.1", "hello.1", "h?llo.1"];
    let wanted = ["a?b", "[ab]", "\\x", "^", "h[^e]llo.*"];
    assert_eq!(delivered(&wanted, &names).await, ["a?b", "[ab]", "\\x", "^", "h[^e]llo.1"]);
}

#[tokio::test]
async fn subscriptions_that_change_while_events_flow_lose_and_duplicate_none() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["a.*", "a.b"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    for round in 0..300 {
        // One of the two is always active.
        match round % 4 {
            0 => assert!(reader.subscriber.unregister_topic(&topic("a.b").into())),
            1 => assert!(reader.subscriber.register_topic(topic("a.b").into()).unwrap()),
            2 => assert!(
                reader
                    .subscriber
                    .register_topic("a.b*".parse::<pubsub_api::Pattern>().unwrap().into())
                    .unwrap()
            ),
            _ => assert!(
                reader.subscriber.unregister_topic(&"a.b*".parse::<pubsub_api::Pattern>().unwrap().into())
            ),
        }
        sender.send_event(&event("a.b", &round.to_string())).await.unwrap();
        reader.expect("a.b", &round.to_string()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_unregistered_and_soon_registered_again_has_no_gap() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["a", "b"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    for round in 0..300 {
        assert!(reader.subscriber.unregister_topic(&topic("a").into()));
        sender.send_event(&event("a", "unwanted")).await.unwrap();
        sender.send_event(&event("b", &round.to_string())).await.unwrap();
        reader.expect("b", &round.to_string()).await;
        assert!(reader.subscriber.register_topic(topic("a").into()).unwrap());
        sender.send_event(&event("a", &round.to_string())).await.unwrap();
        reader.expect("a", &round.to_string()).await;
    }
}

#[tokio::test]
async fn a_tenant_called_redis_is_served_and_node_lists_of_old_peers_are_not() {
    let server = RedisServer::start(&[]);
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["redis"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    let ha = Event::new("ha", "nodes", Action::Set, "{\"127.0.0.1:1\":{}}", topic("redis"));
    sender.send_event(&event("redis", "before")).await.unwrap();
    sender.send_event(&ha).await.unwrap();
    sender.send_event(&Event { key: Some("other".into()), ..ha }).await.unwrap();
    reader.expect("redis", "before").await;
    reader.expect("redis", "other").await;
    assert_eq!(reader.subscriber.status().counter("frames_dropped", Some("node_list")), 1);
}

#[tokio::test]
async fn events_of_a_foreign_client_are_delivered_or_counted_and_never_end_the_link() {
    let server = RedisServer::start(&[]);
    let mut reader = Reader::subscribed(&[server.address()], &["#"], &[]).await;
    let mut raw = server.raw();
    let huge = vec![b'x'; 3 * MAX_RECEIVED_BYTES];
    raw.call(&[&b"PUBLISH"[..], b"a", &huge]);
    raw.call(&[&b"PUBLISH"[..], &[0xff, 0xfe], b"no topic"]);
    raw.call(&[&b"PUBLISH"[..], &[b'x'; 300], b"no topic"]);
    raw.call(&[&b"PUBLISH"[..], b"a", b"no map"]);
    let Envelope { topic, payload } = packed("a", "map");
    raw.call(&[&b"PUBLISH"[..], topic.as_bytes(), &payload]);
    let next = reader.next("the event without a map").await;
    let no_map = Envelope { topic, payload: Bytes::from_static(b"no map") };
    assert_eq!(next, pubsub_api::Incoming::Event(no_map), "the driver does not check the map");
    reader.expect("a", "map").await;
    let status = reader.subscriber.status();
    assert_eq!(status.counter("frames_dropped", Some("too_big")), 1, "{status:?}");
    assert_eq!(status.counter("frames_dropped", Some("bad_topic")), 2, "{status:?}");
    assert_eq!(status.counter("links_lost", None), 0, "{status:?}");
}

#[tokio::test]
async fn the_channel_is_the_topic_and_the_payload_is_the_map() {
    let server = RedisServer::start(&[]);
    let mut raw = server.raw();
    raw.call(&["SUBSCRIBE", "projekt-ü"]);
    let sender = publisher(&[server.address()], &[]).await;
    sender.send_event(&event("projekt-ü", "k")).await.unwrap();
    let Envelope { topic, payload } = packed("projekt-ü", "k");
    let parts = raw.pushed().unwrap().list();
    let bytes = |bytes: &[u8]| redis_servers::Reply::Bytes(bytes.to_vec());
    assert_eq!(parts, [bytes(b"message"), bytes(topic.as_bytes()), bytes(&payload)]);
    assert_eq!(sender.endpoint().unwrap(), format!("redis://{}", server.address()));
}
