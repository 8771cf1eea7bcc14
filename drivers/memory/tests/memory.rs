//! What is specific to the driver within one process; `tests/conformance` tests what every driver promises.

#![expect(clippy::unwrap_used, reason = "the functions that tests share are tests too")]

use std::sync::Arc;

use bytes::Bytes;
use drivers_memory as _;
use pubsub_api::settings::PubSub;
use pubsub_api::{
    Batch, Envelope, ErrorKind, HELLO, Incoming, Notice, PubSubApi, Publisher, PublisherEpoch, Registry,
    Reply, Role, Subscriber, Topic, hello,
};
use settings::Sources;

fn open(role: Role, sets: &[&str]) -> Arc<dyn PubSubApi> {
    let registry = Registry::collect().unwrap();
    let mut all = vec![
        "pub_sub_driver=memory_pubsub_driver".to_owned(),
        "pub_sub_multiproc_driver=memory_pubsub_driver".to_owned(),
        "send_timeout=10ms".to_owned(),
        "linger=10ms".to_owned(),
    ];
    all.extend(sets.iter().map(|set| (*set).to_owned()));
    let (settings, _) =
        settings::load(&Sources { sets: all, ..Sources::default() }, &[PubSub::TABLE], &registry.settings())
            .unwrap();
    registry.open(&settings, role).unwrap()
}

fn topic() -> Topic {
    Topic::new("a").unwrap()
}

async fn joined(address: &str, sets: &[&str]) -> Arc<dyn Subscriber> {
    let subscriber = open(Role::Network, sets).subscriber();
    subscriber.register_listen_address(address).unwrap();
    subscriber.register_topic(topic().into()).unwrap();
    subscriber.initialize().await.unwrap();
    subscriber
}

/// What the subscriber yields at once, in short form; closes the subscriber.
async fn drained(subscriber: &dyn Subscriber) -> Vec<String> {
    subscriber.close().await;
    let mut all = Vec::new();
    loop {
        all.push(match subscriber.recv().await {
            Ok(Incoming::Event(envelope)) => String::from_utf8(envelope.payload.to_vec()).unwrap(),
            Ok(Incoming::Notice(Notice::LinkUp { .. })) => "up".to_owned(),
            Ok(Incoming::Notice(Notice::Subscribed { publisher_epoch: Some(by), .. })) => {
                format!("subscribed, epoch {}", by.epoch)
            }
            Ok(Incoming::Notice(Notice::Subscribed { .. })) => "subscribed".to_owned(),
            Ok(Incoming::Notice(Notice::LinkDown { .. })) => "down".to_owned(),
            Ok(Incoming::Notice(Notice::Gap { events, .. })) => format!("gap of {events}"),
            Ok(other) => format!("{other:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Closed);
                return all;
            }
        });
    }
}

async fn publish(publisher: &dyn Publisher, texts: &[&'static str]) {
    for text in texts {
        publisher.send(&topic(), Bytes::from_static(text.as_bytes())).await.unwrap();
    }
}

#[tokio::test]
async fn a_full_inbox_drops_only_for_its_subscriber_and_reports_the_gap_in_order() {
    let publisher = open(Role::Network, &["publisher_port=0"]).publisher();
    publisher.initialize().await.unwrap();
    let address = publisher.endpoint().unwrap();
    let small = joined(&address, &["drivers.memory.queue_events=2"]).await;
    let large = joined(&address, &[]).await;
    publish(publisher.as_ref(), &["1", "2", "3", "4"]).await;
    assert_eq!(small.status().counter("events_dropped", Some("inbox_full")), 2);
    assert_eq!(large.status().counter("events_dropped", Some("inbox_full")), 0);
    assert_eq!(drained(small.as_ref()).await, ["up", "subscribed", "1", "2", "gap of 2"]);
    assert_eq!(drained(large.as_ref()).await, ["up", "subscribed", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_link_that_exists_when_the_subscriber_starts_is_reported_at_once_without_a_hello() {
    let address = "memory://at-once:1";
    let sets = ["publisher_bind_address=at-once", "publisher_port=1"];
    let subscriber = joined(address, &[]).await;
    for round in ["1", "2"] {
        let publisher = open(Role::Network, &sets).publisher();
        publisher.initialize().await.unwrap();
        publish(publisher.as_ref(), &[round]).await;
        publisher.close().await.unwrap();
    }
    let yielded = drained(subscriber.as_ref()).await;
    assert_eq!(yielded, ["up", "subscribed", "1", "down", "up", "subscribed", "2", "down"]);
}

#[tokio::test]
async fn an_incarnation_is_reported_when_a_hello_has_a_new_one_and_to_later_links() {
    let publisher = open(Role::Network, &["publisher_port=0"]).publisher();
    publisher.initialize().await.unwrap();
    let address = publisher.endpoint().unwrap();
    let early = joined(&address, &[]).await;
    for (epoch, text) in [(Some(1), "1"), (Some(1), "2"), (None, "3"), (Some(2), "4")] {
        let publisher_epoch = epoch.map(|epoch| PublisherEpoch { publisher: 7, epoch });
        let hello = Envelope::pack(&hello::event("test", publisher_epoch)).unwrap();
        publish(publisher.as_ref(), &[text]).await;
        publisher.send(&HELLO, hello.payload).await.unwrap();
    }
    let late = joined(&address, &[]).await;
    let yielded = drained(early.as_ref()).await;
    assert_eq!(
        yielded,
        ["up", "subscribed", "1", "subscribed, epoch 1", "2", "3", "4", "subscribed, epoch 2"]
    );
    assert_eq!(drained(late.as_ref()).await, ["up", "subscribed, epoch 2"]);
}

fn request(text: &'static str) -> Envelope {
    Envelope { topic: Topic::new("$ask").unwrap(), payload: Bytes::from_static(text.as_bytes()) }
}

#[tokio::test]
async fn a_request_to_an_absent_publisher_is_lost_at_once_and_reported_once() {
    let address = "memory://away:1";
    let subscriber = joined(address, &[]).await;
    let requester = subscriber.requester().unwrap();
    assert!(requester.request(address, request("1")) && requester.request(address, request("2")));
    subscriber.close().await;
    let (endpoint, reason) = (address.to_owned(), "no publisher is bound there".to_owned());
    assert_eq!(requester.next().await.unwrap(), Reply::Lost { endpoint, reason });
    assert_eq!(requester.next().await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn unread_requests_and_unread_replies_are_bounded() {
    let sets = ["publisher_port=0", "drivers.memory.queue_events=10", "dead_after=2s"];
    let publisher = open(Role::Network, &sets).publisher();
    publisher.initialize().await.unwrap();
    let address = publisher.endpoint().unwrap();
    let subscriber = joined(&address, &sets).await;
    let requester = subscriber.requester().unwrap();
    assert_eq!((0..1100).filter(|_| requester.request(&address, request("?"))).count(), 1024);
    assert_eq!(publisher.status().counter("requests_dropped", Some("queue_full")), 1100 - 1024);
    let requests = publisher.requests().unwrap();
    let peer = requests.next().await.unwrap().peer;
    let mut batch = Batch::new();
    batch.extend((0..30).map(|_| request("!")));
    let refused = requests.answer(peer, &mut batch).await.unwrap_err();
    assert_eq!((refused.kind(), batch.len()), (ErrorKind::Unavailable, 20));
    let queues = subscriber.status().queues;
    let replies = queues.iter().find(|queue| queue.name == "replies").unwrap();
    assert_eq!((replies.depth, replies.bound), (10, 10));
}

#[tokio::test]
async fn a_publisher_bound_to_all_hosts_is_reached_by_each_name() {
    let sets = ["publisher_bind_address=*", "publisher_port=7"];
    let publisher = open(Role::Network, &sets).publisher();
    publisher.initialize().await.unwrap();
    assert_eq!(publisher.endpoint().as_deref(), Some("memory://*:7"));
    let subscriber = joined("memory://some-host:7", &[]).await;
    publish(publisher.as_ref(), &["1"]).await;
    assert_eq!(drained(subscriber.as_ref()).await, ["up", "subscribed", "1"]);

    let second = open(Role::Network, &["publisher_bind_address=other-host", "publisher_port=7"]).publisher();
    let error = second.initialize().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.to_string().contains("memory://other-host:7: it is in use by the publisher at memory://*:7"),
        "{error}"
    );
}

#[tokio::test]
async fn ends_that_are_dropped_without_close_release_their_addresses() {
    let sets = ["publisher_bind_address=dropped", "publisher_port=1", "publisher_multiproc_socket=/dropped"];
    for _ in 0..2 {
        open(Role::Network, &sets).publisher().initialize().await.unwrap();
        open(Role::Multiproc, &sets).subscriber().initialize().await.unwrap();
        let subscriber = joined("memory://dropped:1", &[]).await;
        assert_eq!(drained(subscriber.as_ref()).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_worker_s_outbox_fills_while_the_inbox_is_full_and_empties_in_turn() {
    let sets = ["publisher_multiproc_socket=/in-turn", "drivers.memory.queue_events=2"];
    let subscriber = open(Role::Multiproc, &sets).subscriber();
    subscriber.initialize().await.unwrap();
    let (one, other) = (open(Role::Multiproc, &sets).publisher(), open(Role::Multiproc, &sets).publisher());
    publish(one.as_ref(), &["one 1", "one 2", "one 3", "one 4"]).await;
    publish(other.as_ref(), &["other 1", "other 2"]).await;
    for full in [&one, &other] {
        let error = full.send(&topic(), Bytes::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert_eq!(full.status().counter("events_refused", Some("outbox_full")), 1);
        assert_eq!(
            full.status().queues.iter().map(|queue| (queue.depth, queue.bound)).collect::<Vec<_>>(),
            [(2, 2)]
        );
    }
    let mut came = Vec::new();
    for _ in 0..6 {
        let Incoming::Event(envelope) = subscriber.recv().await.unwrap() else { panic!("no notices here") };
        came.push(String::from_utf8(envelope.payload.to_vec()).unwrap());
    }
    assert_eq!(came, ["one 1", "one 2", "one 3", "other 1", "one 4", "other 2"]);
    let error = one.close().await;
    assert!(error.is_ok(), "{error:?}");
}

#[tokio::test]
async fn close_counts_the_events_that_no_subscriber_received() {
    let publisher = open(Role::Multiproc, &["publisher_multiproc_socket=/nobody"]).publisher();
    publish(publisher.as_ref(), &["1", "2", "3"]).await;
    let error = publisher.close().await.unwrap_err();
    let text = "memory:///nobody did not accept 3 events within 10ms (linger): no subscriber is bound there";
    assert_eq!(error.to_string(), text);
    assert_eq!(publisher.status().counter("events_dropped", Some("closed")), 3);
}
