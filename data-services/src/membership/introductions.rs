use std::time::Duration;

use super::digest::RevisedEntry;
use super::effect::introduce;
use super::message::{Heartbeat, MemberCard};
use super::{Membership, MembershipEffect, MembershipMessage, PeerState};
use crate::NodeInstance;

/// A node that introduces itself again within this time is not welcomed again.
const WELCOME_PAUSE: Duration = Duration::from_millis(300);

impl Membership {
    /// Connects to a node that introduced itself, and replies. That it can be heard is not known yet.
    pub(super) fn on_introduction(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        to: String,
        heartbeat: &Heartbeat,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let Some(endpoint) = heartbeat.endpoint.clone() else { return };
        if self.endpoint.is_none() || !self.meet(now, source, heartbeat, effects) {
            return;
        }
        let digests = self.digests(now);
        // It may have been heard before: what matters is that it has not introduced itself yet.
        let mut is_new = false;
        if let Some(peer) = self.registry.peers.get_mut(&source.instance) {
            is_new = peer.welcomed.is_none();
            peer.is_to_announce |= is_new;
            peer.is_newcomer |= is_new;
            if peer.welcomed.is_none_or(|last| now >= last + WELCOME_PAUSE) {
                peer.welcomed = Some(now);
                let message = MembershipMessage::Welcome { to, heartbeat: Box::new(digests) };
                introduce(effects, &endpoint, message);
            }
        }
        if is_new {
            self.send_announced(source.instance, effects);
        }
        self.judge(now, source.instance, effects);
    }

    /// Connects to the node that replied to an introduction.
    pub(super) fn on_welcome(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        to: &str,
        heartbeat: &Heartbeat,
        effects: &mut Vec<MembershipEffect>,
    ) {
        self.seeds.is_instance(to, source.instance);
        if self.meet(now, source, heartbeat, effects) {
            self.judge(now, source.instance, effects);
        }
    }

    /// Connects to a node whose heartbeat came by the request channel. Returns whether it counts.
    fn meet(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        heartbeat: &Heartbeat,
        effects: &mut Vec<MembershipEffect>,
    ) -> bool {
        if !self.remember(now, source, heartbeat.endpoint.as_ref(), "it introduced itself", effects) {
            return false;
        }
        let Some(peer) = self.registry.peers.get_mut(&source.instance) else { return false };
        peer.admitted |= heartbeat.admitted;
        if peer.state == PeerState::Left {
            self.refuse_replaced(now, source.instance, effects);
            return false;
        }
        self.connect(now, heartbeat.endpoint.clone(), effects);
        true
    }

    /// Takes over what another node reports about a third.
    pub(super) fn learn(&mut self, now: Duration, card: MemberCard, effects: &mut Vec<MembershipEffect>) {
        let who = card.who;
        if who.instance == self.registry.me.instance
            || !self.remember(now, &who, card.endpoint.as_ref(), "another node reported it", effects)
        {
            return;
        }
        let soon = now + self.slightly_more(self.options.heartbeat);
        let Some(peer) = self.registry.peers.get_mut(&who.instance) else { return };
        match peer.state {
            PeerState::Left => return,
            // Others hear it: it is there.
            PeerState::Down => peer.next_introduction = peer.next_introduction.min(soon),
            _ => {
                let endpoint = peer.endpoint.clone();
                self.connect(now, endpoint, effects);
            }
        }
        if let Some(entry) = card.entry {
            self.take_entry(who.instance, card.revision, entry, effects);
        }
    }

    /// Takes over an entry, unless it is older than the known one.
    pub(super) fn take_entry(
        &mut self,
        instance: crate::Instance,
        revision: u64,
        entry: crate::NodeEntry,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let Some(peer) = self.registry.peers.get_mut(&instance) else { return };
        if revision < peer.revision() {
            return;
        }
        match RevisedEntry::new(revision, entry) {
            Ok(entry) if peer.entry.as_ref() == Some(&entry) => {}
            Ok(entry) => {
                peer.entry = Some(entry);
                if peer.state.is_member() {
                    effects.push(MembershipEffect::Entry(instance));
                }
            }
            Err(_) => {
                let source = peer.who.clone();
                effects.push(MembershipEffect::Ignored { source, reason: "its entry is too large" });
            }
        }
    }
}
