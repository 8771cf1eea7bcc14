use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use data_services::{Node, NodeOptions, Row};
use drivers_memory as _;
use drivers_redis as _;
use drivers_zmtp as _;
use pubsub_api::settings::PubSub;
use pubsub_api::{PubSubApi, Registry, Result, Role};
use redis_servers::RedisServer;
use settings::Sources;

use crate::held_driver::HeldDriver;

/// One bus for one test, on one driver.
pub(crate) struct Bus {
    driver: Driver,
    /// The endpoint of the first node.
    seed: std::sync::Mutex<Option<String>>,
    name: String,
}

enum Driver {
    Memory,
    Zmtp,
    Redis(RedisServer),
}

/// Ports are names in the memory driver; each test has its own.
static MEMORY_PORTS: AtomicU16 = AtomicU16::new(1);

impl Bus {
    pub(crate) fn memory() -> Self {
        Self::on(Driver::Memory)
    }

    pub(crate) fn zmtp() -> Self {
        Self::on(Driver::Zmtp)
    }

    pub(crate) fn redis() -> Self {
        Self::on(Driver::Redis(RedisServer::start(&[])))
    }

    fn on(driver: Driver) -> Self {
        Self { driver, seed: std::sync::Mutex::new(None), name: "bus".to_owned() }
    }

    /// Opens the driver for one more node.
    fn open(&self) -> Result<(Arc<dyn PubSubApi>, bool)> {
        let registry = Registry::collect()?;
        let sets = match &self.driver {
            Driver::Memory => vec![
                "pub_sub_driver=memory_pubsub_driver".to_owned(),
                format!("publisher_port={}", MEMORY_PORTS.fetch_add(1, Ordering::Relaxed)),
            ],
            Driver::Zmtp => {
                vec!["pub_sub_driver=zmtp_pubsub_driver".to_owned(), "publisher_port=0".to_owned()]
            }
            Driver::Redis(server) => vec![
                "pub_sub_driver=redis_db_pubsub_driver".to_owned(),
                format!("drivers.redis.hosts={}", server.address()),
            ],
        };
        let sources = Sources { sets, ..Sources::default() };
        let settings = settings::load(&sources, &[PubSub::TABLE], &registry.settings())?.0;
        let is_broker = matches!(self.driver, Driver::Redis(_));
        Ok((registry.open(&settings, Role::Network)?, is_broker))
    }

    /// Options for a node of this bus.
    pub(crate) fn options(&self, node: &str) -> NodeOptions {
        let mut options = NodeOptions::new(node).unwrap().bus(self.name.clone()).unwrap();
        // A node takes one and a half heartbeats to join.
        options.heartbeat = Duration::from_millis(200);
        match self.seed.lock().unwrap().clone() {
            Some(seed) => options.seed(seed),
            None => options,
        }
    }

    /// Joins with options.
    pub(crate) async fn try_join(&self, options: NodeOptions) -> Result<Node> {
        let (driver, is_broker) = self.open()?;
        let node = Node::join(options, driver, is_broker).await?;
        self.note_endpoint(&node).await;
        Ok(node)
    }

    /// The first node is the seed of the others.
    async fn note_endpoint(&self, node: &Node) {
        // A node that was refused at once reports nothing.
        if let Some(endpoint) = node.report().await.ok().and_then(|report| report.endpoint) {
            self.seed.lock().unwrap().get_or_insert(endpoint);
        }
    }

    /// Joins on threads of the node's own.
    pub(crate) async fn node_on_own_threads(&self, node: &str) -> Node {
        let (driver, is_broker) = self.open().unwrap();
        let node = Node::join_on_own_threads(self.options(node), driver, is_broker).await.unwrap();
        self.note_endpoint(&node).await;
        node
    }

    /// Joins over a driver that the test can hold.
    pub(crate) async fn join_held(&self, options: NodeOptions) -> (Node, HeldDriver) {
        let (driver, is_broker) = self.open().unwrap();
        let held = HeldDriver::new(&*driver);
        let node = Node::join(options, Arc::new(held.clone()), is_broker).await.unwrap();
        (node, held)
    }

    /// Joins on another runtime.
    pub(crate) async fn join_on(&self, runtime: &tokio::runtime::Handle, node: &str) -> Node {
        let (driver, is_broker) = self.open().unwrap();
        let options = self.options(node);
        runtime.spawn(Node::join(options, driver, is_broker)).await.unwrap().unwrap()
    }

    /// Joins as a node of this name.
    pub(crate) async fn node(&self, node: &str) -> Node {
        self.try_join(self.options(node)).await.unwrap()
    }
}

/// Rows of one number each.
pub(crate) fn rows(numbers: impl IntoIterator<Item = u64>) -> Vec<Row> {
    numbers.into_iter().map(|number| Row::of(&(number,)).unwrap()).collect()
}

/// Declares tests that run each case on every driver.
macro_rules! on_each_driver {
    ($($(#[$attribute:meta])* $case:ident),* $(,)?) => {
        mod on_memory {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case(crate::bus::Bus::memory()).await; })*
        }
        mod on_zmtp {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case(crate::bus::Bus::zmtp()).await; })*
        }
        mod on_redis {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case(crate::bus::Bus::redis()).await; })*
        }
    };
}
pub(crate) use on_each_driver;
