use std::collections::{BTreeMap, BTreeSet};

use super::digest::{RevisedEntry, hash_of_members};
use super::peer::Peer;
use super::peer_state::PeerState;
use crate::{Address, Instance, NodeEntry, NodeInstance, ServiceEntry, ServiceId, StreamName};

/// What a node knows about the nodes of its bus and what they offer; its own entry is included.
///
/// Entries count while their node is up or suspect.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    pub(super) me: NodeInstance,
    pub(super) own: RevisedEntry,
    pub(super) peers: BTreeMap<Instance, Peer>,
}

impl Registry {
    pub(super) fn new(me: NodeInstance) -> Self {
        // An empty entry is far below the limit of its size.
        let own = RevisedEntry::new(1, NodeEntry::default()).unwrap_or_default();
        Self { me, own, peers: BTreeMap::new() }
    }

    /// Returns the other nodes and their states, in the order of their instances. Those that left, or are down, are
    /// included for a while.
    pub(crate) fn peers(&self) -> impl Iterator<Item = (&NodeInstance, PeerState)> {
        self.peers.values().map(|peer| (&peer.who, peer.state))
    }

    /// Returns the number of the other nodes.
    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }

    /// Returns the state of an instance; this node is up. None if it is not known.
    pub(crate) fn state_of(&self, instance: Instance) -> Option<PeerState> {
        if instance == self.me.instance {
            return Some(PeerState::Up);
        }
        self.peers.get(&instance).map(|peer| peer.state)
    }

    /// Returns the node of an instance.
    pub(crate) fn node(&self, instance: Instance) -> Option<&NodeInstance> {
        if instance == self.me.instance {
            return Some(&self.me);
        }
        self.peers.get(&instance).map(|peer| &peer.who)
    }

    /// Returns the endpoint by which others connect to a peer, if it has one.
    pub(crate) fn endpoint_of(&self, instance: Instance) -> Option<&str> {
        self.peers.get(&instance)?.endpoint.as_deref()
    }

    /// Returns the entry of this node or of a member.
    pub(crate) fn entry_of(&self, instance: Instance) -> Option<&NodeEntry> {
        if instance == self.me.instance {
            return Some(&self.own.entry);
        }
        let peer = self.peers.get(&instance).filter(|peer| peer.state.is_member())?;
        peer.entry.as_ref().map(|known| &known.entry)
    }

    /// Returns this node and the members whose entries are known, with their entries; this node first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&NodeInstance, &NodeEntry)> {
        let members = self.members().filter_map(|peer| Some((&peer.who, &peer.entry.as_ref()?.entry)));
        std::iter::once((&self.me, &self.own.entry)).chain(members)
    }

    /// Returns the nodes that run a service of this name.
    #[cfg(test)]
    pub(crate) fn hosts_of(&self, service: &ServiceId) -> Vec<(&NodeInstance, &ServiceEntry)> {
        self.entries().filter_map(|(node, entry)| Some((node, entry.services.get(service)?))).collect()
    }

    /// Returns the services that a message to this address reaches.
    pub(crate) fn listeners(&self, address: &Address) -> Vec<(&NodeInstance, &ServiceId, &ServiceEntry)> {
        let mut listeners = Vec::new();
        for (node, entry) in self.entries() {
            let services = entry.services.iter().filter(|(name, service)| service.listens_on(name, address));
            listeners.extend(services.map(|(name, service)| (node, name, service)));
        }
        listeners
    }

    /// Returns the services that a message to this address reaches, without those that are on standby.
    pub(crate) fn active_listeners(
        &self,
        address: &Address,
    ) -> Vec<(&NodeInstance, &ServiceId, &ServiceEntry)> {
        let mut listeners = self.listeners(address);
        listeners.retain(|(node, name, _)| !self.is_standby(node.instance, name));
        listeners
    }

    /// Returns whether a service is on standby: another instance of it is active.
    pub(crate) fn is_standby(&self, instance: Instance, service: &ServiceId) -> bool {
        let own = self.entry_of(instance).and_then(|entry| entry.services.get(service)?.rank);
        let own = own.map(|rank| (rank, instance));
        own.is_some_and(|own| self.ranks(service).any(|(rank, other)| (rank, other) < own))
    }

    /// Returns the lowest rank with which an instance of a service is on standby after all others that are known.
    pub(crate) fn last_rank(&self, service: &ServiceId) -> u64 {
        self.ranks(service).map(|(rank, _)| rank.saturating_add(1)).max().unwrap_or_default()
    }

    /// The ranks of the instances of a service.
    fn ranks(&self, service: &ServiceId) -> impl Iterator<Item = (u64, Instance)> {
        let rank = |(node, entry): (&NodeInstance, &NodeEntry)| {
            Some((entry.services.get(service)?.rank?, node.instance))
        };
        self.entries().filter_map(rank)
    }

    /// Returns the instances that subscribe to a stream.
    pub(crate) fn followers(&self, stream: &StreamName) -> BTreeSet<Instance> {
        let follows = |(node, entry): (&NodeInstance, &NodeEntry)| {
            entry.subscriptions.contains(stream).then_some(node.instance)
        };
        self.entries().filter_map(follows).collect()
    }

    /// Returns the members: the nodes that are up or suspect, without this one.
    pub(super) fn members(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values().filter(|peer| peer.state.is_member())
    }

    /// Returns the hash of the member list, this node included.
    pub(super) fn members_hash(&self) -> u64 {
        let members = self.members().map(|peer| peer.who.instance);
        hash_of_members(members.chain([self.me.instance]))
    }
}
