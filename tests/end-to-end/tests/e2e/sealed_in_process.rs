//! Sealed events within one process, on the memory driver: what a driver without connections carries is sealed as well.
#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::time::Duration;

use delivery::subscriber::Item;
use drivers as _;
use publisher_client::PublisherClient;
use pubsub_api::settings::Settings;
use pubsub_api::wire::EventRef;
use pubsub_api::{Action, Event, Incoming, Notice, Pattern, Registry, Role, SEND_ALL, Value};
use sealing::keyring_lines;
use settings::Sources;
use subscriber_agent::{listen_to_publishers, tracked_subscriber};
use tokio::time::timeout;

fn load(folder: &std::path::Path, more: &[&str]) -> (Registry, Settings) {
    let registry = Registry::collect().unwrap();
    let own = [
        "pub_sub_driver=memory_pubsub_driver".to_owned(),
        "pub_sub_use_multiproc=false".to_owned(),
        "publisher_port=7171".to_owned(),
        "publishers_ips=127.0.0.1".to_owned(),
        format!("state_dir={}", folder.display()),
    ];
    let sets = own.into_iter().chain(more.iter().map(ToString::to_string)).collect();
    let settings =
        all_settings::load(&Sources { sets, ..Sources::default() }, &registry.settings()).unwrap().0;
    (registry, settings)
}

#[tokio::test]
async fn the_memory_driver_carries_sealed_events_and_a_tracked_subscriber_opens_them() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring");
    keyring_lines::create(&keyring, "k1").unwrap();
    let file = format!("sealing.keyring_file={}", keyring.display());
    let (registry, settings) = load(folder.path(), &[&file, "sealing.events=row", "sealing.accept=sealed"]);
    let publisher = PublisherClient::open(&settings).unwrap();
    publisher.initialize().await.unwrap();
    let raw = registry.open(&settings, Role::Network).unwrap().subscriber();
    raw.register_listen_address(&publisher.endpoint().unwrap()).unwrap();
    raw.register_topic(SEND_ALL.into()).unwrap();
    raw.initialize().await.unwrap();
    let subscriber = tracked_subscriber(&registry, &settings).unwrap();
    listen_to_publishers(&subscriber, &registry, &settings).unwrap();
    subscriber.register_topic("#".parse::<Pattern>().unwrap().into()).unwrap();
    subscriber.initialize().await.unwrap();
    let patience = Duration::from_secs(30);
    let next = || async { timeout(patience, subscriber.recv()).await.unwrap().unwrap() };
    while !matches!(next().await, Item::Notice(Notice::Subscribed { .. })) {}

    let events = ["one", "two"].map(|key| Event::new("t", key, Action::Set, "secret", SEND_ALL));
    for event in &events {
        publisher.send(event).await.unwrap();
    }
    for event in &events {
        let opened = loop {
            if let Item::Event { envelope, .. } = next().await {
                break EventRef::read(b"D", &envelope.payload).unwrap().to_event();
            }
        };
        assert_eq!((&opened.table, &opened.key, &opened.value), (&event.table, &event.key, &event.value));
        let sealed = loop {
            if let Incoming::Event(envelope) = timeout(patience, raw.recv()).await.unwrap().unwrap() {
                break envelope;
            }
        };
        let read = EventRef::read(b"D", &sealed.payload).unwrap();
        assert_eq!((read.table, read.sealed.map(|sealed| sealed.key_id)), (Some("sealed"), Some("k1")));
        assert_eq!((read.to_event().value, read.stamp), (Value::Nil, opened.stamp));
    }
    publisher.close().await.unwrap();
}
