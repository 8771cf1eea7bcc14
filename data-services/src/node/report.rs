use std::collections::BTreeMap;

use pubsub_api::Status;
use serde::Serialize;

use crate::{
    Address, BusId, KeyColumns, MethodId, NodeId, NodeInstance, ServiceId, ServiceState, SubscriptionId,
    TableId, TablePublisher,
};

/// What a node knows: about itself, its peers, and the services and tables of the bus.
#[derive(Debug, Clone, Serialize)]
pub struct NodeReport {
    /// The node.
    pub node: NodeInstance,
    /// The endpoint by which peers connect, on drivers without a broker.
    pub endpoint: Option<String>,
    /// The other nodes.
    pub peers: Vec<PeerReport>,
    /// Whether the node has received the registry of another node, or has waited for it for 3 s.
    pub is_registry_complete: bool,
    /// The services of all nodes, this one included.
    pub services: Vec<ServiceOffer>,
    /// The tables that this node publishes.
    pub published: Vec<PublishedReport>,
    /// The subscriptions of this node.
    pub subscriptions: Vec<SubscriptionReport>,
    /// Counters of the engine, by name.
    pub counters: Vec<(&'static str, u64)>,
    /// What has arrived on each topic that this node receives; of more than 256 topics, those with the most bytes.
    pub topics: Vec<TopicReport>,
    /// The counters, queues and connections of the driver, and those of the packets over it.
    pub driver: Status,
}

/// What has arrived on a topic since this node subscribed to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicReport {
    /// `everyone`, `inbox` (what is for this node only), or `table`.
    pub topic: &'static str,
    /// The publisher of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<TablePublisher>,
    /// The table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<TableId>,
    /// The number of packets; each has one message or more.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// One peer.
#[derive(Debug, Clone, Serialize)]
pub struct PeerReport {
    /// The peer.
    pub peer: NodeInstance,
    /// `joining`, `up`, `suspect`, `down` or `left`.
    pub state: &'static str,
    /// The endpoint by which others connect to it, on drivers without a broker.
    pub endpoint: Option<String>,
    /// Whether its entry is known: its services are in the report.
    pub is_known: bool,
}

/// One service on one node.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceOffer {
    /// The node.
    pub node: NodeId,
    /// The service.
    pub service: ServiceId,
    /// Its state.
    pub state: ServiceState,
    /// Its further addresses.
    pub addresses: Vec<Address>,
    /// Its tables and their key columns.
    pub tables: Vec<(TableId, KeyColumns)>,
    /// Its methods.
    pub methods: Vec<MethodId>,
    /// The tables that it has marked as stale, with the reasons.
    pub stale: BTreeMap<TableId, String>,
    /// The buses that it was mirrored from.
    pub mirrored_from: Vec<BusId>,
    /// Whether it is on standby: another instance of the service is active.
    pub is_standby: bool,
}

/// A table that this node publishes.
#[derive(Debug, Clone, Serialize)]
pub struct PublishedReport {
    /// The service.
    pub service: ServiceId,
    /// The table.
    pub table: TableId,
    /// The epoch and sequence of the last change.
    pub epoch: u64,
    /// The sequence of the last change.
    pub sequence: u64,
    /// The number of rows.
    pub rows: usize,
    /// The nodes that subscribe.
    pub subscribers: Vec<NodeId>,
    /// How far each of them is.
    pub lags: Vec<SubscriberLag>,
}

/// How far a node is with a table that it subscribes to. It reports that a second after a change, so at a table that changes
/// at a steady rate it is up to a second of changes behind although it has applied them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscriberLag {
    /// The node.
    pub node: NodeId,
    /// The sequence of the last change that it has applied, as it reported; none before its first report in this epoch.
    pub applied: Option<u64>,
    /// The number of changes that were published after that.
    pub behind: Option<u64>,
    /// The time since that report, in milliseconds. A node that has applied everything reports nothing.
    pub reported_ms_ago: Option<u64>,
}

/// A subscription of a service of this node.
#[derive(Debug, Clone, Serialize)]
pub struct SubscriptionReport {
    /// The id.
    pub id: SubscriptionId,
    /// The service that subscribed.
    pub subscriber: ServiceId,
    /// The address.
    pub address: Address,
    /// The table.
    pub table: TableId,
    /// The publishers, each with the phase of its table.
    pub publishers: Vec<(NodeId, ServiceId, &'static str)>,
    /// The number of events that wait for the reader.
    pub waiting: usize,
    /// The number of events that may wait.
    pub bound: usize,
    /// The number of events that were dropped because the reader was slow.
    pub dropped: u64,
}
