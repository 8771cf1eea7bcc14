//! The members of the bus, and what each node offers. No clock, no I/O.
//!
//! - A node is up when both nodes hear each other: it is heard, and it confirmed that it hears this node.
//! - A node's entry travels when it changes; the heartbeat carries digests, and a digest that differs causes a pull.
//! - What one node reports about a third adds endpoints and entries, never a sign of life.
//! - Nothing depends on the arrival, order or uniqueness of a message.

mod announcements;
mod clash;
mod digest;
mod effect;
mod greetings;
mod introductions;
mod links;
mod liveness;
mod memory;
mod message;
mod options;
mod peer;
mod peer_state;
mod pulls;
mod registry;
mod seeds;
mod table_head;
#[cfg(test)]
mod tests;

use std::time::Duration;

use pubsub_api::Result;

pub(crate) use effect::MembershipEffect;
pub(crate) use message::MembershipMessage;
pub(crate) use options::MembershipOptions;
pub use peer_state::PeerState;
pub(crate) use registry::Registry;
pub(crate) use table_head::TableHead;

use crate::packet::Destination;
use crate::{Instance, NodeEntry, NodeInstance};
use announcements::Announcements;
use digest::RevisedEntry;
use effect::send;
use links::Links;
use pulls::Pulls;
use seeds::Seeds;

/// The maximum number of other instances that a node remembers, those that are down or left included. When it is reached,
/// those are forgotten first; a further node is ignored.
pub(crate) const MAX_PEERS: usize = 2_000;

/// The membership of one node in its bus, as a state machine.
///
/// `now` is the time since any fixed point, and never falls. All states and rules are per instance: a node that starts
/// again is another instance.
#[derive(Debug)]
pub(crate) struct Membership {
    registry: Registry,
    endpoint: Option<String>,
    options: MembershipOptions,
    rng: fastrand::Rng,
    stage: Stage,
    started: Duration,
    /// This node has been up at another one.
    is_admitted: bool,
    beat: u64,
    next_beat: Duration,
    /// The first of the table heads that the next heartbeat has room for.
    next_head: usize,
    /// The hash of the member list, and since when it is the same.
    members: u64,
    members_since: Duration,
    seeds: Seeds,
    links: Links,
    announcements: Announcements,
    pulls: Pulls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Running,
    Ended,
}

impl Membership {
    /// A node that has not started. `endpoint` is where others connect to, and `seeds` are endpoints of nodes that know the
    /// others; a broker needs neither.
    pub(crate) fn new(
        me: NodeInstance,
        endpoint: Option<String>,
        seeds: Vec<String>,
        options: MembershipOptions,
        rng: fastrand::Rng,
    ) -> Self {
        let seeds = Seeds::new(seeds.into_iter().filter(|seed| Some(seed) != endpoint.as_ref()));
        let registry = Registry::new(me);
        let members = registry.members_hash();
        Self {
            registry,
            endpoint,
            options,
            rng,
            stage: Stage::New,
            started: Duration::ZERO,
            is_admitted: false,
            beat: 0,
            next_beat: Duration::ZERO,
            next_head: 0,
            members,
            members_since: Duration::ZERO,
            seeds,
            links: Links::default(),
            announcements: Announcements::default(),
            pulls: Pulls::default(),
        }
    }

    /// Starts: announces the node and its entry, and approaches the seeds.
    pub(crate) fn start(&mut self, now: Duration, effects: &mut Vec<MembershipEffect>) {
        self.stage = Stage::Running;
        self.started = now;
        self.members_since = now;
        self.send_heartbeat(now, Vec::new(), effects);
        self.send_entry(Destination::Everyone, effects);
        self.approach_seeds(now, effects);
    }

    /// Replaces the entry of this node. If it differs, it has the next revision and is sent to everyone at once.
    ///
    /// # Errors
    /// [`Invalid`](pubsub_api::ErrorKind::Invalid) if it has more than 256 KiB; the old one stays.
    pub(crate) fn set_entry(&mut self, entry: NodeEntry, effects: &mut Vec<MembershipEffect>) -> Result<()> {
        if entry == self.registry.own.entry {
            return Ok(());
        }
        self.registry.own = RevisedEntry::new(self.registry.own.revision + 1, entry)?;
        if self.stage == Stage::Running {
            self.send_entry(Destination::Everyone, effects);
        }
        effects.push(MembershipEffect::Entry(self.registry.me.instance));
        Ok(())
    }

    /// Handles a message. `source` is its sender.
    pub(crate) fn received(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        message: MembershipMessage,
        effects: &mut Vec<MembershipEffect>,
    ) {
        if self.stage != Stage::Running {
            return;
        }
        match message {
            MembershipMessage::Introduction { to, .. } if source.instance == self.registry.me.instance => {
                self.seeds.is_this_node(&to);
            }
            _ if source.instance == self.registry.me.instance => {}
            MembershipMessage::Goodbye => self.on_goodbye(now, source, effects),
            MembershipMessage::Introduction { to, heartbeat } => {
                self.on_introduction(now, source, to, &heartbeat, effects);
            }
            MembershipMessage::Welcome { to, heartbeat } => {
                self.on_welcome(now, source, &to, &heartbeat, effects);
            }
            MembershipMessage::Refuse { to, other, admitted } => {
                self.on_refusal(to, &other, admitted, effects);
            }
            message => {
                if self.on_sign_of_life(now, source, effects) {
                    self.on_message(now, source.instance, message, effects);
                    self.judge(now, source.instance, effects);
                }
            }
        }
    }

    /// Handles a packet of another part: it is a sign of life.
    pub(crate) fn heard(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        effects: &mut Vec<MembershipEffect>,
    ) {
        if self.stage == Stage::Running
            && source.instance != self.registry.me.instance
            && self.on_sign_of_life(now, source, effects)
        {
            self.judge(now, source.instance, effects);
        }
    }

    /// Does what is due at this time. `heads` is only called for a heartbeat.
    pub(crate) fn tick(
        &mut self,
        now: Duration,
        heads: impl FnOnce() -> Vec<TableHead>,
        effects: &mut Vec<MembershipEffect>,
    ) {
        if self.stage != Stage::Running {
            return;
        }
        self.watch(now, effects);
        self.approach_seeds(now, effects);
        self.announce_newcomers(now, effects);
        self.pull(now, effects);
        if now >= self.next_beat {
            self.send_heartbeat(now, heads(), effects);
        }
    }

    /// Returns when [`tick`](Self::tick) is due; [`Duration::MAX`] for never.
    pub(crate) fn deadline(&self) -> Duration {
        if self.stage != Stage::Running {
            return Duration::MAX;
        }
        let peers = self.registry.peers.values().map(|peer| peer.deadline(&self.options));
        let others =
            [self.next_beat, self.next_seed_attempt(), self.announcements.deadline(), self.pulls.deadline()];
        peers.chain(others).min().unwrap_or(Duration::MAX)
    }

    /// Leaves: says goodbye and ends.
    pub(crate) fn leave(&mut self, effects: &mut Vec<MembershipEffect>) {
        if self.stage != Stage::Running {
            return;
        }
        self.stage = Stage::Ended;
        send(effects, Destination::Everyone, MembershipMessage::Goodbye);
        effects.extend(self.links.close().map(MembershipEffect::Disconnect));
    }

    /// Handles the loss of all links by the driver: everything that is periodic is due at once.
    pub(crate) fn links_reset(&mut self, now: Duration) {
        self.next_beat = now;
        self.seeds.hurry(now, |_| true);
        for peer in self.registry.peers.values_mut() {
            peer.next_probe = now;
            peer.next_introduction = now;
        }
    }

    /// Handles the loss, the beginning or the return of the link to one endpoint: probes are due at once for the nodes there,
    /// which are returned, and introductions to those that were down.
    ///
    /// The heartbeat is not: it travels to everyone, and if many nodes start together, each link of each node begins within
    /// the same second. A node that is only known by report is heard now, or its driver is still connecting.
    pub(crate) fn link_reset(&mut self, now: Duration, endpoint: &str) -> Vec<Instance> {
        self.seeds.hurry(now, |seed| seed == endpoint);
        let peers = self.registry.peers.values_mut();
        let there = peers.filter(|peer| peer.endpoint.as_deref() == Some(endpoint));
        there
            .map(|peer| {
                peer.next_probe = now;
                if peer.state == PeerState::Down {
                    peer.next_introduction = now;
                }
                peer.who.instance
            })
            .collect()
    }

    /// Returns what this node knows about all nodes, itself included.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }
}
