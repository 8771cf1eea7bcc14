use std::time::Duration;

use super::peer::Peer;
use super::{MAX_PEERS, Membership, MembershipEffect, PeerState};
use crate::{Instance, NodeInstance};

impl Membership {
    /// Makes sure that there is a record of an instance; it fills in the endpoint. Returns false if there is no room.
    pub(super) fn remember(
        &mut self,
        now: Duration,
        who: &NodeInstance,
        endpoint: Option<&String>,
        reason: &str,
        effects: &mut Vec<MembershipEffect>,
    ) -> bool {
        if let Some(peer) = self.registry.peers.get_mut(&who.instance) {
            if endpoint.is_some() {
                peer.endpoint = endpoint.cloned();
            }
            return true;
        }
        if self.registry.peers.len() >= MAX_PEERS && !self.make_room(effects) {
            let reason = "this node knows the maximum number of others";
            effects.push(MembershipEffect::Ignored { source: who.clone(), reason });
            return false;
        }
        self.registry.peers.insert(who.instance, Peer::new(now, who.clone(), endpoint.cloned()));
        let (state, reason) = (PeerState::Joining, reason.to_owned());
        effects.push(MembershipEffect::Peer { peer: who.clone(), state, reason });
        true
    }

    /// Forgets the instance that is missed least: one that left, else one that is down, else one that was never heard.
    fn make_room(&mut self, effects: &mut Vec<MembershipEffect>) -> bool {
        let rank = |peer: &Peer| match peer.state {
            PeerState::Left => Some(0),
            PeerState::Down => Some(1),
            PeerState::Joining if peer.heard.is_none() => Some(2),
            _ => None,
        };
        let candidates =
            self.registry.peers.values().filter_map(|peer| Some((rank(peer)?, peer.since, peer)));
        let least =
            candidates.min_by_key(|(rank, since, _)| (*rank, *since)).map(|(_, _, peer)| peer.who.instance);
        least.inspect(|instance| self.forget(*instance, effects)).is_some()
    }

    /// Removes the record of an instance.
    pub(super) fn forget(&mut self, instance: Instance, effects: &mut Vec<MembershipEffect>) {
        let Some(peer) = self.registry.peers.remove(&instance) else { return };
        self.pulls.forget_lists();
        if let Some(endpoint) = peer.endpoint {
            self.disconnect(&endpoint, effects);
        }
    }
}
