//! A publisher, and waiting for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use drivers_zmtp as _;
use pubsub_api::settings::PubSub;
use pubsub_api::{Publisher, Registry, Role, SubscriptionSeen, Topic};
use settings::Sources;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A bound publisher, with settings of the test.
pub(crate) async fn publisher(sets: &[&str]) -> (Arc<dyn Publisher>, std::net::SocketAddr) {
    let registry = Registry::collect().unwrap();
    let mut all = vec!["publisher_port=0".to_owned(), "pub_sub_driver=zmtp_pubsub_driver".to_owned()];
    all.extend(sets.iter().map(|set| (*set).to_owned()));
    let sources = Sources { sets: all, ..Sources::default() };
    let (settings, _) = settings::load(&sources, &[PubSub::TABLE], &registry.settings()).unwrap();
    let publisher = registry.open(&settings, Role::Network).unwrap().publisher();
    publisher.initialize().await.unwrap();
    let endpoint = publisher.endpoint().unwrap();
    let address = endpoint.strip_prefix("tcp://").unwrap().parse().unwrap();
    (publisher, address)
}

/// Waits until this number of subscriptions were seen.
pub(crate) async fn seen(publisher: &Arc<dyn Publisher>, count: usize) {
    let seen = publisher.subscribers_seen().unwrap();
    let mut subscribed = 0;
    while subscribed < count {
        match tokio::time::timeout(PATIENCE, seen.next()).await.expect("a subscription in time").unwrap() {
            SubscriptionSeen::Subscribed { .. } => subscribed += 1,
            SubscriptionSeen::Cancelled { .. } => {}
            SubscriptionSeen::Missed { count } => panic!("missed {count}"),
        }
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        // The wait helper itself.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A topic of that name.
pub(crate) fn topic(name: &str) -> Topic {
    Topic::new(name.to_owned()).unwrap()
}
