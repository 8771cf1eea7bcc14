use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError, RwLock};

use super::slot::SLOTS;
use super::{Endpoint, Server};

/// The server of each slot, as far as is known.
pub(super) struct SlotMap(RwLock<Known>);

struct Known {
    /// The number of complete refreshes.
    version: u64,
    masters: Vec<Option<Arc<Server>>>,
    servers: BTreeMap<Endpoint, Arc<Server>>,
}

impl SlotMap {
    /// A map in which these servers are known and serve no slot.
    pub(super) fn new(seeds: &[Arc<Server>]) -> Self {
        let masters = vec![None; usize::from(SLOTS)];
        let servers = seeds.iter().map(|server| (server.endpoint().clone(), Arc::clone(server))).collect();
        Self(RwLock::new(Known { version: 0, masters, servers }))
    }

    /// A map in which one server serves all slots.
    pub(super) fn all_at(server: &Arc<Server>) -> Self {
        let masters = vec![Some(Arc::clone(server)); usize::from(SLOTS)];
        let servers = BTreeMap::from([(server.endpoint().clone(), Arc::clone(server))]);
        Self(RwLock::new(Known { version: 1, masters, servers }))
    }

    pub(super) fn version(&self) -> u64 {
        self.read().version
    }

    /// The server of a slot.
    pub(super) fn master(&self, slot: u16) -> Option<Arc<Server>> {
        self.read().masters.get(usize::from(slot)).cloned().flatten()
    }

    /// All servers that serve slots.
    pub(super) fn masters(&self) -> Vec<Arc<Server>> {
        let known = self.read();
        let masters = known.masters.iter().flatten();
        let masters: BTreeMap<_, _> = masters.map(|server| (server.endpoint(), server)).collect();
        masters.into_values().cloned().collect()
    }

    /// Whether every slot has a server.
    pub(super) fn is_complete(&self) -> bool {
        self.read().masters.iter().all(Option::is_some)
    }

    /// All servers, including those without slots.
    pub(super) fn known(&self) -> Vec<Arc<Server>> {
        self.read().servers.values().cloned().collect()
    }

    /// The server at this address; created if it was not known.
    pub(super) fn at(&self, endpoint: Endpoint) -> Arc<Server> {
        self.write().at(endpoint)
    }

    /// Assigns a slot to another server.
    pub(super) fn moved(&self, slot: u16, to: Endpoint) {
        let mut known = self.write();
        let server = known.at(to);
        if let Some(master) = known.masters.get_mut(usize::from(slot)) {
            *master = Some(server);
        }
    }

    /// Replaces the whole map by these masters with their slots. Servers without slots are removed.
    pub(super) fn replace(&self, ranges: Vec<(RangeInclusive<u16>, Endpoint)>) {
        let mut known = self.write();
        let mut masters = vec![None; usize::from(SLOTS)];
        let mut servers = BTreeMap::new();
        for (slots, endpoint) in ranges {
            let server = known.at(endpoint.clone());
            for slot in slots {
                if let Some(master) = masters.get_mut(usize::from(slot)) {
                    *master = Some(Arc::clone(&server));
                }
            }
            servers.insert(endpoint, server);
        }
        *known = Known { version: known.version + 1, masters, servers };
    }

    /// Closes every connection.
    pub(super) fn close(&self) {
        self.read().servers.values().for_each(|server| server.close());
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn at(&mut self, endpoint: Endpoint) -> Arc<Server> {
        let server = self
            .servers
            .entry(endpoint)
            .or_insert_with_key(|endpoint| Arc::new(Server::announced(endpoint.clone())));
        Arc::clone(server)
    }
}

impl fmt::Debug for SlotMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.read();
        let (version, servers) = (known.version, known.servers.values().collect::<Vec<_>>());
        f.debug_struct("SlotMap")
            .field("version", &version)
            .field("servers", &servers)
            .finish_non_exhaustive()
    }
}
