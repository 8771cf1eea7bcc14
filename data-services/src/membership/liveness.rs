use std::time::Duration;

use super::digest::is_hash_of_empty;
use super::effect::{introduce, send_to};
use super::message::Heartbeat;
use super::{Membership, MembershipEffect, MembershipMessage, PeerState};
use crate::packet::Destination;
use crate::{Instance, NodeEntry, NodeInstance};

/// How many heartbeats ago a node may have sent the one that another confirms.
const CONFIRMED_BEATS: u64 = 5;
/// The number of unconfirmed probes after which each further one is accompanied by an introduction: the peer may not know of
/// this node. It is a connection more, so that nodes that start together first have the time to hear of each other.
const PROBES_ALONE: u32 = 2;

impl Membership {
    /// Notes that an instance was heard. Returns whether it counts: not if it left.
    pub(super) fn on_sign_of_life(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        effects: &mut Vec<MembershipEffect>,
    ) -> bool {
        if !self.remember(now, source, None, "a first packet arrived", effects) {
            return false;
        }
        let Some(peer) = self.registry.peers.get_mut(&source.instance) else { return false };
        if peer.state == PeerState::Left {
            self.refuse_replaced(now, source.instance, effects);
            return false;
        }
        peer.first_heard.get_or_insert(now);
        peer.heard = Some(now);
        true
    }

    /// Handles a message of an instance that counts.
    pub(super) fn on_message(
        &mut self,
        now: Duration,
        from: Instance,
        message: MembershipMessage,
        effects: &mut Vec<MembershipEffect>,
    ) {
        match message {
            MembershipMessage::Heartbeat(heartbeat) => self.on_heartbeat(now, from, *heartbeat, effects),
            MembershipMessage::Probe { beat, heartbeat } => {
                self.on_heartbeat(now, from, *heartbeat, effects);
                self.on_confirmed(from, beat);
                if let Some(peer) = self.registry.peers.get_mut(&from) {
                    peer.asks = true;
                }
            }
            MembershipMessage::Confirm { beat } => self.on_confirmed(from, beat),
            MembershipMessage::Entry { revision, entry } => {
                self.take_entry(from, revision, entry, effects);
            }
            MembershipMessage::PullEntry => self.send_entry(Destination::Instance(from), effects),
            MembershipMessage::Newcomers(cards) => {
                for card in cards {
                    self.learn(now, card, effects);
                }
            }
            MembershipMessage::Pull(pull) => self.on_pull(from, pull, effects),
            MembershipMessage::Page(page) => self.on_page(now, from, page, effects),
            // Handled by the caller.
            MembershipMessage::Introduction { .. }
            | MembershipMessage::Welcome { .. }
            | MembershipMessage::Refuse { .. }
            | MembershipMessage::Goodbye => {}
        }
    }

    fn on_heartbeat(
        &mut self,
        now: Duration,
        from: Instance,
        heartbeat: Heartbeat,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let me = self.registry.me.instance;
        let Some(peer) = self.registry.peers.get_mut(&from) else { return };
        if !peer.take_over(now, &heartbeat) {
            return;
        }
        let endpoint = peer.endpoint.clone();
        if peer.has_unknown_entry() && is_hash_of_empty(heartbeat.hash) {
            self.take_entry(from, heartbeat.revision, NodeEntry::default(), effects);
        }
        let Some(peer) = self.registry.peers.get_mut(&from) else { return };
        if heartbeat.deaf_to.contains(&me) && peer.hears_me {
            peer.hears_me = false;
            peer.deaf_since = Some(now);
            peer.next_probe = now;
            if peer.state == PeerState::Up {
                self.set_state(now, from, PeerState::Suspect, "it does not hear this node", effects);
            }
        }
        self.connect(now, endpoint, effects);
        self.compare_members(now, from);
        if !heartbeat.heads.is_empty() && self.registry.state_of(from).is_some_and(PeerState::is_member) {
            effects.push(MembershipEffect::Heads(from, heartbeat.heads));
        }
    }

    /// A peer reports that it heard this heartbeat of this node. A late report does not count.
    fn on_confirmed(&mut self, from: Instance, beat: u64) {
        let is_recent = beat > 0 && beat <= self.beat && self.beat - beat <= CONFIRMED_BEATS;
        if let Some(peer) = self.registry.peers.get_mut(&from).filter(|_| is_recent) {
            peer.hears_me = true;
            peer.deaf_since = None;
            peer.probes = 0;
            peer.next_probe = Duration::ZERO;
        }
    }

    /// Looks at an instance that was just heard: whether it may use its node id, is up, must be asked or must be answered.
    pub(super) fn judge(&mut self, now: Duration, instance: Instance, effects: &mut Vec<MembershipEffect>) {
        if !self.settle_clash(now, instance, effects) {
            return;
        }
        let suspect_after = self.options.suspect_after;
        let Some(peer) = self.registry.peers.get_mut(&instance) else { return };
        if std::mem::take(&mut peer.is_to_announce) {
            self.announcements.add(now, instance);
        }
        if peer.beat == 0 || !peer.is_heard(now, suspect_after) {
            return;
        }
        let (beat, hears_me, state, asks) =
            (peer.beat, peer.hears_me, peer.state, std::mem::take(&mut peer.asks));
        // A probe confirms as well.
        if asks && (hears_me || now < peer.next_probe) {
            send_to(effects, instance, MembershipMessage::Confirm { beat });
        }
        if !hears_me {
            self.probe(now, instance, effects);
        } else if state != PeerState::Up {
            self.set_state(now, instance, PeerState::Up, "both nodes hear each other", effects);
        }
        self.pull_entry(now, instance, effects);
    }

    /// Asks an instance that is heard whether it hears this node.
    fn probe(&mut self, now: Duration, instance: Instance, effects: &mut Vec<MembershipEffect>) {
        if self.registry.peers.get(&instance).is_none_or(|peer| now < peer.next_probe) {
            return;
        }
        let heartbeat = Box::new(self.digests(now));
        let Some(peer) = self.registry.peers.get_mut(&instance) else { return };
        let probe = MembershipMessage::Probe { beat: peer.beat, heartbeat: heartbeat.clone() };
        send_to(effects, instance, probe);
        let is_to_introduce = peer.probes >= PROBES_ALONE && self.endpoint.is_some();
        if let Some(endpoint) = peer.endpoint.as_ref().filter(|_| is_to_introduce) {
            let to = endpoint.clone();
            introduce(effects, endpoint, MembershipMessage::Introduction { to, heartbeat });
        }
        let probes = peer.probes;
        peer.probes += 1;
        peer.next_probe = now + self.options.probe_pause(probes);
    }

    /// Changes the state of an instance and reports it.
    pub(super) fn set_state(
        &mut self,
        now: Duration,
        instance: Instance,
        state: PeerState,
        reason: impl Into<String>,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let Some(peer) = self.registry.peers.get_mut(&instance).filter(|peer| peer.state != state) else {
            return;
        };
        let was_member = peer.state.is_member();
        peer.state = state;
        peer.since = now;
        let has_entry = peer.entry.is_some();
        effects.push(MembershipEffect::Peer { peer: peer.who.clone(), state, reason: reason.into() });
        if state == PeerState::Up {
            self.is_admitted = true;
            self.plan_first_pull(now);
            self.end_earlier_starts(now, instance, effects);
        }
        if state.is_member() && !was_member && has_entry {
            effects.push(MembershipEffect::Entry(instance));
        }
        if matches!(state, PeerState::Down | PeerState::Left) {
            self.part(now, instance, effects);
        }
        if was_member != state.is_member() {
            self.members = self.registry.members_hash();
            self.members_since = now;
        }
    }

    /// Ends what only counts while an instance is there.
    fn part(&mut self, now: Duration, instance: Instance, effects: &mut Vec<MembershipEffect>) {
        let next_introduction = now + self.slightly_more(self.options.probe_every);
        let Some(peer) = self.registry.peers.get_mut(&instance) else { return };
        peer.first_heard = None;
        peer.hears_me = false;
        peer.deaf_since = None;
        peer.probes = 0;
        peer.next_introduction = next_introduction;
        if peer.state == PeerState::Left {
            peer.entry = None;
        }
        if let Some(endpoint) = peer.endpoint.clone() {
            self.disconnect(&endpoint, effects);
        }
    }

    /// An instance says goodbye. It is remembered, so that what it sent before does not bring it back.
    pub(super) fn on_goodbye(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        effects: &mut Vec<MembershipEffect>,
    ) {
        if self.remember(now, source, None, "it says goodbye", effects) {
            self.set_state(now, source.instance, PeerState::Left, "it said goodbye", effects);
        }
    }

    /// Looks at the instances whose time has come.
    pub(super) fn watch(&mut self, now: Duration, effects: &mut Vec<MembershipEffect>) {
        let due = self.registry.peers.values().filter(|peer| now >= peer.deadline(&self.options));
        let due: Vec<Instance> = due.map(|peer| peer.who.instance).collect();
        for instance in due {
            self.watch_one(now, instance, effects);
        }
    }

    fn watch_one(&mut self, now: Duration, instance: Instance, effects: &mut Vec<MembershipEffect>) {
        let (suspect_after, down_after) = (self.options.suspect_after, self.options.down_after);
        let Some(peer) = self.registry.peers.get(&instance) else { return };
        let is_heard = peer.is_heard(now, down_after);
        let silence = |time: Duration| format!("it has been silent for {time:?}");
        match peer.state {
            _ if now >= peer.forgotten() => self.forget(instance, effects),
            PeerState::Up if is_heard => {
                self.set_state(now, instance, PeerState::Suspect, silence(suspect_after), effects);
            }
            PeerState::Suspect if is_heard => {
                self.set_state(now, instance, PeerState::Down, "it does not hear this node", effects);
            }
            PeerState::Up | PeerState::Suspect => {
                self.set_state(now, instance, PeerState::Down, silence(down_after), effects);
            }
            PeerState::Joining if peer.heard.is_some() => {
                self.set_state(now, instance, PeerState::Down, silence(down_after), effects);
            }
            PeerState::Joining | PeerState::Down => self.approach(now, instance, effects),
            PeerState::Left => {}
        }
    }

    /// Introduces this node to an instance that is not heard, and ends a connection that did not help.
    fn approach(&mut self, now: Duration, instance: Instance, effects: &mut Vec<MembershipEffect>) {
        let digests = self.digests(now);
        let next = now + self.slightly_more(self.options.probe_every);
        let Some(peer) = self.registry.peers.get_mut(&instance) else { return };
        peer.next_introduction = next;
        let is_down = peer.state == PeerState::Down;
        let is_heard = peer.is_heard(now, self.options.down_after);
        let Some(endpoint) = peer.endpoint.clone().filter(|_| self.endpoint.is_some()) else { return };
        if is_down && !is_heard && self.is_linked_for(now, &endpoint, self.options.down_after) {
            self.disconnect(&endpoint, effects);
        }
        let to = endpoint.clone();
        introduce(effects, &endpoint, MembershipMessage::Introduction { to, heartbeat: Box::new(digests) });
    }
}
