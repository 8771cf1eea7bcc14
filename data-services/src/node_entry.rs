//! What a node offers and wants: its entry in the registry, which every node of the bus has a copy of.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Address, BusId, KeyColumns, MethodId, ServiceId, StreamName, TableId};

/// The entry of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct NodeEntry {
    /// The services that run on the node, hidden ones included.
    pub services: BTreeMap<ServiceId, ServiceEntry>,
    /// The streams that services of the node subscribe to.
    pub subscriptions: BTreeSet<StreamName>,
}

/// The entry of a service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ServiceEntry {
    /// Whether the service accepts calls.
    pub state: ServiceState,
    /// The addresses that it listens on, apart from its own name.
    pub addresses: Vec<Address>,
    /// The tables that it publishes, with their key columns.
    pub tables: BTreeMap<TableId, KeyColumns>,
    /// The methods that others can call.
    pub methods: BTreeSet<MethodId>,
    /// The tables whose rows may be out of date although this service runs, with the reason: its own source is silent.
    pub stale: BTreeMap<TableId, String>,
    /// The buses that it was mirrored from, the one where it was first at the beginning; empty for a service of this bus. A
    /// bridge mirrors no service to a bus that is among them.
    pub mirrored_from: Vec<BusId>,
    /// For a service of which one instance is active at a time: its rank, about the time of its start in microseconds since
    /// 1970. Of the instances of one name that have a rank, the one with the lowest is active.
    pub rank: Option<u64>,
}

/// The state of a service, as other nodes see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// It accepts calls.
    #[default]
    Running,
    /// It finishes the calls that it has, and accepts no more: it stops or is being replaced.
    Draining,
    /// It failed and is about to be started again.
    Restarting,
}

impl ServiceEntry {
    /// Returns whether a message to `address` reaches the service that has this entry under the name `service`.
    #[must_use]
    pub fn listens_on(&self, service: &ServiceId, address: &Address) -> bool {
        address.reaches_service(service) || self.addresses.iter().any(|own| address.reaches(own))
    }
}
