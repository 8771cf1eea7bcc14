use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use data_services::{Cage, Node, NodeOptions, ServiceHandle};
use data_services_kinds as _;
use drivers_memory as _;
use pubsub_api::settings::PubSub;
use pubsub_api::{Registry, Role};
use settings::Sources;

/// Ports are names in the memory driver; each node has its own.
static PORTS: AtomicU16 = AtomicU16::new(1);

/// The settings of one more end of the memory driver.
pub(crate) fn driver_settings() -> Vec<String> {
    let port = PORTS.fetch_add(1, Ordering::Relaxed);
    vec!["pub_sub_driver=memory_pubsub_driver".to_owned(), format!("publisher_port={port}")]
}

/// A bus on the memory driver.
pub(crate) struct Bus {
    name: String,
    seed: Mutex<Option<String>>,
}

impl Bus {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), seed: Mutex::new(None) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The endpoint of the first node.
    pub(crate) fn seed(&self) -> String {
        self.seed.lock().unwrap().clone().unwrap()
    }

    pub(crate) fn options(&self, node: &str) -> NodeOptions {
        let options = NodeOptions::new(node).unwrap().bus(self.name.as_str()).unwrap();
        match self.seed.lock().unwrap().clone() {
            Some(seed) => options.seed(seed),
            None => options,
        }
    }

    pub(crate) async fn join(&self, options: NodeOptions) -> Node {
        let node = join_with(options).await;
        let endpoint = node.report().await.unwrap().endpoint.unwrap();
        self.seed.lock().unwrap().get_or_insert(endpoint);
        node
    }

    pub(crate) async fn node(&self, node: &str) -> Node {
        self.join(self.options(node)).await
    }

    /// A node with a cage.
    pub(crate) async fn cage(&self, node: &str) -> Cage {
        Cage::start(self.node(node).await).await.unwrap()
    }

    /// A node with a service that subscribes and calls.
    pub(crate) async fn screen(&self, node: &str) -> ServiceHandle {
        self.node(node).await.service("screen").start().await.unwrap()
    }
}

/// Joins a bus by one more end of the memory driver.
pub(crate) async fn join_with(options: NodeOptions) -> Node {
    let registry = Registry::collect().unwrap();
    let sources = Sources { sets: driver_settings(), ..Sources::default() };
    let settings = settings::load(&sources, &[PubSub::TABLE], &registry.settings()).unwrap().0;
    let driver = registry.open(&settings, Role::Network).unwrap();
    Node::join(options, driver, false).await.unwrap()
}
