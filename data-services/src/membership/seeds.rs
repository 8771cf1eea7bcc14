use std::time::Duration;

use super::effect::introduce;
use super::{Membership, MembershipEffect, MembershipMessage, PeerState};
use crate::Instance;

/// The time between the first two introductions to a seed; it doubles up to `probe_every`.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Endpoints of nodes that know the others.
#[derive(Debug, Default)]
pub(super) struct Seeds {
    seeds: Vec<Seed>,
}

#[derive(Debug)]
struct Seed {
    endpoint: String,
    /// The instance that replied from there.
    instance: Option<Instance>,
    is_this_node: bool,
    next: Duration,
    wait: Duration,
}

impl Seeds {
    pub(super) fn new(endpoints: impl Iterator<Item = String>) -> Self {
        let seed = |endpoint| Seed {
            endpoint,
            instance: None,
            is_this_node: false,
            next: Duration::ZERO,
            wait: FIRST_WAIT,
        };
        Self { seeds: endpoints.map(seed).collect() }
    }

    /// This node itself answers at the endpoint.
    pub(super) fn is_this_node(&mut self, endpoint: &str) {
        for seed in self.seeds.iter_mut().filter(|seed| seed.endpoint == endpoint) {
            seed.is_this_node = true;
        }
    }

    /// An instance replied from the endpoint.
    pub(super) fn is_instance(&mut self, endpoint: &str, instance: Instance) {
        for seed in self.seeds.iter_mut().filter(|seed| seed.endpoint == endpoint) {
            seed.instance = Some(instance);
        }
    }

    /// The chosen seeds are due at once, if they are not up.
    pub(super) fn hurry(&mut self, now: Duration, is_chosen: impl Fn(&str) -> bool) {
        for seed in self.seeds.iter_mut().filter(|seed| is_chosen(&seed.endpoint)) {
            seed.next = now;
            seed.wait = FIRST_WAIT;
        }
    }
}

impl Membership {
    /// Introduces this node to each seed that is due and not up.
    pub(super) fn approach_seeds(&mut self, now: Duration, effects: &mut Vec<MembershipEffect>) {
        if self.endpoint.is_none() {
            return;
        }
        let mut seeds = std::mem::take(&mut self.seeds);
        for seed in &mut seeds.seeds {
            if seed.is_this_node || now < seed.next {
                continue;
            }
            if self.is_seed_up(seed) {
                seed.wait = FIRST_WAIT;
            } else {
                let (to, heartbeat) = (seed.endpoint.clone(), Box::new(self.digests(now)));
                introduce(effects, &seed.endpoint, MembershipMessage::Introduction { to, heartbeat });
                seed.next = now + self.slightly_more(seed.wait);
                seed.wait = (seed.wait * 2).min(self.options.probe_every);
            }
        }
        self.seeds = seeds;
    }

    /// Returns when a seed is due that is not up.
    pub(super) fn next_seed_attempt(&self) -> Duration {
        let seeds = self.seeds.seeds.iter().filter(|seed| !seed.is_this_node && !self.is_seed_up(seed));
        let next = seeds.map(|seed| seed.next).min();
        next.filter(|_| self.endpoint.is_some()).unwrap_or(Duration::MAX)
    }

    fn is_seed_up(&self, seed: &Seed) -> bool {
        let is_up = |instance| self.registry.state_of(instance) == Some(PeerState::Up);
        seed.instance.is_some_and(is_up)
            || self
                .registry
                .members()
                .any(|peer| peer.state == PeerState::Up && peer.endpoint.as_ref() == Some(&seed.endpoint))
    }
}
