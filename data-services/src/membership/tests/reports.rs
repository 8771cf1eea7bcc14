use std::time::Duration;

use super::network::Place;
use super::simulation::Simulation;
use crate::membership::{MembershipEffect, PeerState};
use crate::{Instance, ServiceId};

impl Simulation {
    /// Returns the state of one node at another.
    pub(crate) fn state(&self, at: Place, of: Place) -> Option<PeerState> {
        self.nodes[at].membership.registry().state_of(self.nodes[of].me.instance)
    }

    /// Returns whether all these nodes are up at each other, and have each other's entries.
    pub(crate) fn is_complete(&self, places: &[Place]) -> bool {
        places.iter().all(|at| {
            places.iter().all(|of| {
                let registry = self.nodes[*at].membership.registry();
                let own = self.nodes[*of].membership.registry().entry_of(self.nodes[*of].me.instance);
                self.state(*at, *of) == Some(PeerState::Up)
                    && registry.entry_of(self.nodes[*of].me.instance) == own
            })
        })
    }

    /// Returns when a node last reported that state of another, if ever.
    pub(crate) fn reported(&self, at: Place, of: Place, state: PeerState) -> Option<Duration> {
        let is_it = |effect: &MembershipEffect| match effect {
            MembershipEffect::Peer { peer, state: reported, .. } => {
                *peer == self.nodes[of].me && *reported == state
            }
            _ => false,
        };
        self.nodes[at].log.iter().rev().find(|(_, effect)| is_it(effect)).map(|(at, _)| *at)
    }

    /// Returns whether a node ever reported that state of another.
    pub(crate) fn was(&self, at: Place, of: Place, state: PeerState) -> bool {
        self.reported(at, of, state).is_some()
    }

    /// Returns the nodes that run a service, as one node sees it.
    pub(crate) fn hosts(&self, at: Place, service: &str) -> Vec<Instance> {
        let hosts = self.nodes[at].membership.registry().hosts_of(&ServiceId::new(service).unwrap());
        hosts.into_iter().map(|(node, _)| node.instance).collect()
    }

    /// Returns the text of the refusal of a node.
    pub(crate) fn refusal(&self, place: Place) -> Option<&str> {
        self.nodes[place].log.iter().find_map(|(_, effect)| match effect {
            MembershipEffect::Refused { text, .. } => Some(text.as_str()),
            _ => None,
        })
    }

    /// Returns the states of all nodes at each, for a failure.
    pub(crate) fn table(&self) -> String {
        let states = |at: Place| (0..self.nodes.len()).map(move |of| format!("{:?}", self.state(at, of)));
        let line = |at: Place| format!("{at}: {}\n", states(at).collect::<Vec<_>>().join(" "));
        (0..self.nodes.len().min(20)).map(line).collect()
    }
}
