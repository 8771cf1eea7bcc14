//! The ends under test, and how long they are waited for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::settings::PubSub;
use pubsub_api::{Publisher, Registry, Role, Status, Subscriber};
use settings::Sources;

/// How long anything that must come is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for `future`, at most [`PATIENCE`].
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}

/// Waits until a status is as it must be.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    within(what, async {
        while !holds() {
            // The wait helper itself.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The depth of a queue.
pub(crate) fn depth(status: &Status, queue: &str) -> u64 {
    status.queues.iter().find(|reading| reading.name == queue).map(|reading| reading.depth).unwrap()
}

fn open(alias: &str, role: Role, sets: &[&str]) -> Arc<dyn pubsub_api::PubSubApi> {
    let registry = Registry::collect().unwrap();
    let driver = registry.drivers().iter().find(|driver| driver.alias == alias).unwrap();
    let mut all =
        vec![format!("{}={alias}", role.setting()), "drivers.zmtp.heartbeat_interval=100ms".to_owned()];
    all.extend(sets.iter().map(|set| (*set).to_owned()));
    let sources = Sources { sets: all, ..Sources::default() };
    let (settings, _) = settings::load(&sources, &[PubSub::TABLE], &registry.settings()).unwrap();
    (driver.open)(&settings, role).unwrap()
}

/// A network subscriber of `topics`, running, that connects to `addresses`.
pub(crate) async fn subscriber(sets: &[&str], topics: &[&str], addresses: &[&str]) -> Arc<dyn Subscriber> {
    let subscriber = open("zmtp_pubsub_driver", Role::Network, sets).subscriber();
    for topic in topics {
        subscriber.register_topic(topic_of(topic)).unwrap();
    }
    for address in addresses {
        assert!(subscriber.register_listen_address(address).unwrap());
    }
    subscriber.initialize().await.unwrap();
    subscriber
}

/// The subscription to one topic.
pub(crate) fn topic_of(name: &str) -> pubsub_api::Subscription {
    pubsub_api::Topic::new(name.to_owned()).unwrap().into()
}

/// A worker's publisher that connects to `socket`.
pub(crate) fn publisher(socket: &Path, sets: &[&str]) -> Arc<dyn Publisher> {
    let socket = format!("publisher_multiproc_socket={}", socket.display());
    let mut all = vec![socket.as_str(), "linger=20s"];
    all.extend(sets);
    open("zmtp_pubsub_multiproc_driver", Role::Multiproc, &all).publisher()
}
