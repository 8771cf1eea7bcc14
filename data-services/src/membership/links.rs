use std::collections::BTreeMap;
use std::time::Duration;

use super::{Membership, MembershipEffect, PeerState};

/// The endpoints that this node is connected to, and since when.
#[derive(Debug, Default)]
pub(super) struct Links {
    since: BTreeMap<String, Duration>,
}

impl Links {
    /// Forgets all, and returns them.
    pub(super) fn close(&mut self) -> impl Iterator<Item = String> + use<> {
        std::mem::take(&mut self.since).into_keys()
    }
}

impl Membership {
    /// Connects to an endpoint of another node, unless it is connected.
    pub(super) fn connect(
        &mut self,
        now: Duration,
        endpoint: Option<String>,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let Some(endpoint) = endpoint else { return };
        if self.endpoint.is_none() || Some(&endpoint) == self.endpoint.as_ref() {
            return;
        }
        if !self.links.since.contains_key(&endpoint) {
            self.links.since.insert(endpoint.clone(), now);
            effects.push(MembershipEffect::Connect(endpoint));
        }
    }

    /// Disconnects from an endpoint, unless another node has it that is not down: a node that started again.
    pub(super) fn disconnect(&mut self, endpoint: &str, effects: &mut Vec<MembershipEffect>) {
        let is_in_use = self.registry.peers.values().any(|peer| {
            peer.endpoint.as_deref() == Some(endpoint)
                && (peer.state.is_member() || peer.state == PeerState::Joining)
        });
        if !is_in_use && self.links.since.remove(endpoint).is_some() {
            effects.push(MembershipEffect::Disconnect(endpoint.to_owned()));
        }
    }

    /// Returns whether an endpoint has been connected for this time.
    pub(super) fn is_linked_for(&self, now: Duration, endpoint: &str, time: Duration) -> bool {
        self.links.since.get(endpoint).is_some_and(|since| now >= *since + time)
    }
}
