use std::time::Duration;

use super::effect::{send, send_to};
use super::message::Heartbeat;
use super::peer::Peer;
use super::{Membership, MembershipEffect, MembershipMessage, PeerState, TableHead};
use crate::Instance;
use crate::packet::Destination;

/// How long newcomers wait for each other, to be announced in one message: many may start together.
pub(super) const GATHER: Duration = Duration::from_millis(100);

/// The maximum number of table heads in a heartbeat; the rest follows in the next ones. 500 heads of the longest names have
/// 115 KB.
const MAX_HEADS: usize = 500;

/// The maximum number of instances that a heartbeat reports as not heard. It also bounds introductions, which have a
/// heartbeat without table heads: 9 KB at most, of the 64 KiB that a request may have.
pub(super) const MAX_DEAF_TO: usize = 1_000;

/// The maximum number of cards of a message. One of the longest names has less than 450 bytes.
pub(super) const MAX_CARDS: usize = 1_000;

/// Nodes that introduced themselves to this one, and that the others do not know yet.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    newcomers: Vec<Instance>,
    due: Option<Duration>,
}

impl Announcements {
    /// Adds a node.
    pub(super) fn add(&mut self, now: Duration, newcomer: Instance) {
        self.newcomers.push(newcomer);
        self.due.get_or_insert(now + GATHER);
    }

    pub(super) fn deadline(&self) -> Duration {
        self.due.unwrap_or(Duration::MAX)
    }
}

/// Sends the cards of peers, if there are any. Without their entries, which the digests bring.
fn send_cards<'a>(
    effects: &mut Vec<MembershipEffect>,
    to: Destination,
    peers: impl Iterator<Item = &'a Peer>,
) {
    let cards: Vec<_> = peers.map(Peer::card_without_entry).collect();
    for some in cards.chunks(MAX_CARDS) {
        send(effects, to.clone(), MembershipMessage::Newcomers(some.to_vec()));
    }
}

impl Membership {
    /// Sends everyone the cards of the newcomers, if they are due.
    pub(super) fn announce_newcomers(&mut self, now: Duration, effects: &mut Vec<MembershipEffect>) {
        if now < self.announcements.deadline() {
            return;
        }
        let newcomers = std::mem::take(&mut self.announcements).newcomers;
        let peers = newcomers.iter().filter_map(|newcomer| self.registry.peers.get(newcomer));
        let there = peers.filter(|peer| !matches!(peer.state, PeerState::Left | PeerState::Down));
        send_cards(effects, Destination::Everyone, there);
    }

    /// Sends a newcomer the cards of those that were announced, or are members, before it was connected to this node. It
    /// receives the announcements that follow. If it is not connected yet, this is lost, and repeated when it is.
    pub(super) fn send_announced(&self, newcomer: Instance, effects: &mut Vec<MembershipEffect>) {
        let announced = self.registry.peers.values().filter(|peer| {
            let is_introduced = peer.state == PeerState::Joining && peer.welcomed.is_some();
            (is_introduced || peer.state.is_member())
                && peer.who.instance != newcomer
                && !self.announcements.newcomers.contains(&peer.who.instance)
        });
        send_cards(effects, Destination::Instance(newcomer), announced);
    }

    /// Sends the entry of this node.
    pub(super) fn send_entry(&self, to: Destination, effects: &mut Vec<MembershipEffect>) {
        let own = &self.registry.own;
        send(effects, to, MembershipMessage::Entry { revision: own.revision, entry: own.entry.clone() });
    }

    /// Pulls the entry of a member from it, if its digest differs: at most once per heartbeat, and not before the registry
    /// of another node was pulled, which has most entries.
    pub(super) fn pull_entry(
        &mut self,
        now: Duration,
        instance: Instance,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let is_bulk_over = self.pulls.is_first_over(now, self.started);
        let wait = self.options.heartbeat * 9 / 10;
        let Some(peer) = self.registry.peers.get_mut(&instance) else { return };
        let is_due = peer.entry_pulled.is_none_or(|pulled| now >= pulled + wait);
        if is_bulk_over && is_due && peer.state.is_member() && peer.has_unknown_entry() {
            peer.entry_pulled = Some(now);
            send_to(effects, instance, MembershipMessage::PullEntry);
        }
    }

    /// Sends a heartbeat, and plans the next one.
    pub(super) fn send_heartbeat(
        &mut self,
        now: Duration,
        heads: Vec<TableHead>,
        effects: &mut Vec<MembershipEffect>,
    ) {
        self.beat += 1;
        let heads = self.share_of(heads);
        let heartbeat = Heartbeat { heads, ..self.digests(now) };
        send(effects, Destination::Everyone, MembershipMessage::Heartbeat(Box::new(heartbeat)));
        self.next_beat = now + self.options.heartbeat.mul_f64(0.9 + 0.2 * self.rng.f64());
    }

    /// Returns the heartbeat of this node, without table heads.
    pub(super) fn digests(&self, now: Duration) -> Heartbeat {
        let own = &self.registry.own;
        Heartbeat {
            beat: self.beat,
            admitted: self.is_admitted,
            endpoint: self.endpoint.clone(),
            revision: own.revision,
            hash: own.hash,
            members: self.members,
            deaf_to: self.deaf_to(now),
            heads: Vec::new(),
        }
    }

    /// Returns the instances that were heard and have been silent since: long enough to be suspect, and not so long that
    /// they have either read it in a heartbeat of this node, or heard none and found this node down.
    fn deaf_to(&self, now: Duration) -> Vec<Instance> {
        let silent = self.registry.peers.values().filter(|peer| {
            peer.state != PeerState::Left
                && peer.is_heard(now, self.options.down_after * 3)
                && !peer.is_heard(now, self.options.suspect_after)
        });
        silent.map(|peer| peer.who.instance).take(MAX_DEAF_TO).collect()
    }

    /// Returns as many heads as a heartbeat has room for, and turns on by as many.
    fn share_of(&mut self, mut heads: Vec<TableHead>) -> Vec<TableHead> {
        if heads.len() <= MAX_HEADS {
            return heads;
        }
        let first = self.next_head % heads.len();
        self.next_head = first + MAX_HEADS;
        heads.rotate_left(first);
        heads.truncate(MAX_HEADS);
        heads
    }

    /// Returns a time that is up to 10 % longer.
    pub(super) fn slightly_more(&mut self, time: Duration) -> Duration {
        time.mul_f64(1.0 + 0.1 * self.rng.f64())
    }
}
