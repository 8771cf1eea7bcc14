//! The drivers that the tests run on, and nodes on them.

use std::sync::Arc;
use std::time::Duration;

use drivers_memory as _;
use drivers_redis as _;
use drivers_zmtp as _;
use pubsub_api::settings::PubSub;
use pubsub_api::{PubSubApi, Registry, Role};
use redis_servers::RedisServer;
use sealing::PacketSealing;
use settings::Sources;
use tokio::time::{Instant, sleep, timeout};

use crate::bus_adapter::{BusAdapter, BusEvent, BusOptions};
use crate::membership::MembershipMessage;
use crate::packet::{Destination, Message};
use crate::{BusId, Instance, NodeId, NodeInstance, ServiceId, StreamName, TableId};

/// How long anything may take on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A driver, and the server that it needs.
pub(super) enum Place {
    Memory,
    Zmtp,
    Redis(RedisServer),
}

impl Place {
    pub(super) fn redis() -> Self {
        Self::Redis(RedisServer::start(&[]))
    }

    pub(super) fn is_broker(&self) -> bool {
        matches!(self, Self::Redis(_))
    }

    /// Opens the driver for one node, with further settings.
    pub(super) fn driver(&self, more: &[&str]) -> Arc<dyn PubSubApi> {
        let mut sets = vec!["publisher_port=0".to_owned(), "publisher_bind_address=127.0.0.1".to_owned()];
        sets.push("send_timeout=20s".to_owned());
        sets.push("linger=20s".to_owned());
        match self {
            Self::Memory => sets.push("pub_sub_driver=memory_pubsub_driver".to_owned()),
            Self::Zmtp => sets.push("pub_sub_driver=zmtp_pubsub_driver".to_owned()),
            Self::Redis(server) => {
                sets.push("pub_sub_driver=redis_db_pubsub_driver".to_owned());
                sets.push(format!("drivers.redis.hosts={}", server.address()));
            }
        }
        sets.extend(more.iter().map(|set| (*set).to_owned()));
        let registry = Registry::collect().unwrap();
        let sources = Sources { sets, ..Sources::default() };
        let (settings, _) = settings::load(&sources, &[PubSub::TABLE], &registry.settings()).unwrap();
        registry.open(&settings, Role::Network).unwrap()
    }

    /// Opens a node of a bus.
    pub(super) async fn node(&self, bus: &str, instance: u64) -> BusAdapter {
        self.node_with(bus, instance, &[]).await
    }

    /// The same with further settings.
    pub(super) async fn node_with(&self, bus: &str, instance: u64, more: &[&str]) -> BusAdapter {
        self.sealed_node(bus, instance, more, None).await
    }

    /// The same with packets that are sealed.
    pub(super) async fn sealed_node(
        &self,
        bus: &str,
        instance: u64,
        more: &[&str],
        sealing: Option<PacketSealing>,
    ) -> BusAdapter {
        let me = NodeInstance {
            node: NodeId::new(format!("node-{instance}")).unwrap(),
            instance: Instance::of(instance),
            boot: 0,
        };
        let bus = BusId::new(bus).unwrap();
        let options = BusOptions { bus, is_broker: self.is_broker(), advertise: None, sealing };
        BusAdapter::open(&*self.driver(more), me, options).await.unwrap()
    }

    /// Opens nodes of one bus, each connected to each, with subscriptions that are in force.
    pub(super) async fn nodes<const COUNT: usize>(&self, bus: &str) -> [BusAdapter; COUNT] {
        let mut nodes = Vec::new();
        for instance in 1..=COUNT {
            nodes.push(self.node(bus, instance as u64).await);
        }
        for one in &nodes {
            for other in &nodes {
                one.connect(other.endpoint().unwrap_or_default()).unwrap();
            }
        }
        let peers = if self.is_broker() { 1 } else { COUNT - 1 };
        for node in &nodes {
            for _ in 0..peers {
                subscribed(node).await;
            }
        }
        nodes.try_into().unwrap()
    }
}

/// Waits until the subscriptions of a node are in force at one more peer.
pub(super) async fn subscribed(adapter: &BusAdapter) {
    reset(adapter, "in force").await;
}

/// Waits for a reset whose reason contains a text; its endpoint.
pub(super) async fn reset(adapter: &BusAdapter, text: &str) -> Option<String> {
    loop {
        if let BusEvent::Reset { endpoint, reason } = next(adapter).await
            && reason.contains(text)
        {
            return endpoint;
        }
    }
}

/// Waits until an instance receives what a node sends.
pub(super) async fn listener(adapter: &BusAdapter) -> Instance {
    loop {
        if let BusEvent::Listener(instance) = next(adapter).await {
            return instance;
        }
    }
}

async fn next(adapter: &BusAdapter) -> BusEvent {
    timeout(PATIENCE, adapter.recv()).await.expect("an event in time").unwrap()
}

/// Waits for the next packet: the instance and the number that it was sent with.
pub(super) async fn heard(adapter: &BusAdapter) -> (u64, u64) {
    loop {
        if let BusEvent::Packet { source, messages } = next(adapter).await {
            assert_eq!(messages, [goodbye()]);
            return (source.instance.number(), source.boot);
        }
    }
}

pub(super) fn goodbye() -> Message {
    Message::Membership(MembershipMessage::Goodbye)
}

/// Sends a packet with a number, in the place of the boot time.
pub(super) async fn say(adapter: &mut BusAdapter, to: &Destination, number: u64) {
    adapter.me.boot = number;
    adapter.send(to, &goodbye()).await.unwrap();
}

/// Waits until a table of `publisher` reaches `follower`: sends until it arrives, as a driver may put a subscription in
/// force later.
pub(super) async fn until_followed(publisher: &mut BusAdapter, follower: &BusAdapter, stream: &StreamName) {
    let to = Destination::Followers(stream.clone());
    let attempts = async {
        for number in 1_000.. {
            say(publisher, &to, number).await;
            let arrived = timeout(Duration::from_millis(100), heard(follower)).await;
            if arrived.is_ok_and(|(instance, _)| instance == stream.instance.number()) {
                say(publisher, &to, 0).await;
                while heard(follower).await.1 != 0 {}
                return;
            }
        }
    };
    timeout(PATIENCE, attempts).await.expect("the subscription comes into force");
}

pub(super) fn inbox(adapter: &BusAdapter) -> Destination {
    Destination::Instance(adapter.me.instance)
}

pub(super) fn stream(publisher: &BusAdapter, service: &str, table: &str) -> StreamName {
    let (service, table) = (ServiceId::new(service).unwrap(), TableId::new(table).unwrap());
    StreamName { instance: publisher.me.instance, service, table }
}

/// Waits until a condition holds.
pub(super) async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        // The wait helper itself.
        sleep(Duration::from_millis(2)).await;
    }
}

/// Returns a counter of an adapter.
pub(super) fn count(adapter: &BusAdapter, name: &str, cause: Option<&str>) -> u64 {
    adapter.metrics.read().counter(name, cause)
}
