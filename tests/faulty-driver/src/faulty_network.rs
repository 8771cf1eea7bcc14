use std::sync::Arc;

use pubsub_api::{PubSubApi, Publisher, Subscriber};

use crate::Faults;
use crate::faulty_publisher::FaultyPublisher;
use crate::faulty_subscriber::FaultySubscriber;
use crate::shared::Shared;

/// A network of nodes, and its faults. Clones share it.
///
/// Faults are decided when something is sent: what is on its way arrives. They also apply to requests and replies.
#[derive(Debug, Clone)]
pub struct FaultyNetwork(Arc<Shared>);

impl FaultyNetwork {
    /// Creates a network without a broker: a subscriber receives from the endpoints that it registers.
    #[must_use]
    pub fn mesh(seed: u64) -> Self {
        Self(Arc::new(Shared::new(seed, false)))
    }

    /// Creates a network with a broker: a subscriber receives from every node, itself included.
    #[must_use]
    pub fn broker(seed: u64) -> Self {
        Self(Arc::new(Shared::new(seed, true)))
    }

    /// Opens a node, which on a mesh binds `faulty://name:1`.
    #[must_use]
    pub fn node(&self, name: &str) -> Arc<dyn PubSubApi> {
        self.node_at(name, name, 1)
    }

    /// Opens a node that binds another host and port; 0 for any port. Ignored on a broker.
    #[must_use]
    pub fn node_at(&self, name: &str, host: &str, port: u16) -> Arc<dyn PubSubApi> {
        Arc::new(Node {
            publisher: Arc::new(FaultyPublisher::new(&self.0, name, host, port)),
            subscriber: Arc::new(FaultySubscriber::new(&self.0, name)),
        })
    }

    /// Sets the faults of all directions, those set by [`set_link`](Self::set_link) included.
    pub fn set_faults(&self, faults: Faults) {
        self.0.state().plan.set_all(faults);
    }

    /// Sets the faults of what one node sends to another.
    pub fn set_link(&self, from: &str, to: &str, faults: Faults) {
        self.0.state().plan.set(from, to, faults);
    }

    /// Loses, without notice, what one node sends to another.
    pub fn cut(&self, from: &str, to: &str) {
        self.0.state().plan.cut(from, to);
    }

    /// Ends a [`cut`](Self::cut).
    pub fn mend(&self, from: &str, to: &str) {
        self.0.state().plan.mend(from, to);
    }

    /// Cuts both directions between each node of one side and each of the other.
    pub fn partition(&self, one_side: &[&str], other_side: &[&str]) {
        for one in one_side {
            for other in other_side {
                self.cut(one, other);
                self.cut(other, one);
            }
        }
    }

    /// Ends all cuts.
    pub fn heal(&self) {
        self.0.state().plan.heal();
    }

    /// Breaks the link over which `to` receives from `from`, and reports `LinkDown`; no event arrives over it. Reports nothing
    /// on a broker.
    pub fn break_link(&self, from: &str, to: &str) {
        self.0.state().break_link(from, to);
    }

    /// Restores a link that [`break_link`](Self::break_link) broke, and reports `LinkUp` and `Subscribed`.
    pub fn restore_link(&self, from: &str, to: &str) {
        self.0.state().restore_link(from, to);
    }

    /// Stops the broker: every subscriber receives `LinkDown`, and every `send` fails. Does nothing on a mesh.
    pub fn stop_broker(&self) {
        self.0.state().set_broker_down(true);
    }

    /// Starts the broker again: every subscriber receives `LinkUp` and `Subscribed`.
    pub fn start_broker(&self) {
        self.0.state().set_broker_down(false);
    }

    /// Returns how often a fault occurred: `lost`, `duplicated`, `late` or `cut`.
    #[must_use]
    pub fn count(&self, fault: &str) -> u64 {
        self.0.state().plan.counted(fault)
    }
}

/// The two ends of one node.
#[derive(Debug)]
struct Node {
    publisher: Arc<FaultyPublisher>,
    subscriber: Arc<FaultySubscriber>,
}

impl PubSubApi for Node {
    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::<FaultyPublisher>::clone(&self.publisher)
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::<FaultySubscriber>::clone(&self.subscriber)
    }
}
