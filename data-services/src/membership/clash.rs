use std::time::Duration;

use super::effect::{introduce, send_to};
use super::peer::Peer;
use super::{Membership, MembershipEffect, MembershipMessage, PeerState};
use crate::{Instance, NodeInstance};

/// Two instances of one node are both alive if one is heard this long after the other appeared: a packet of an instance that
/// ended before the next one started is not under way for longer.
const CLASH_MARGIN: Duration = Duration::from_secs(1);
/// The time between two refusals of one instance.
const REFUSAL_PAUSE: Duration = Duration::from_millis(900);

/// What another instance of the same node means for one that is heard.
enum Rival {
    /// There is none.
    None,
    /// It is not known yet whether the other one is alive.
    Undecided,
    /// The other one ended, or must end.
    Ends(Instance),
    /// The other one keeps the node id.
    Keeps(NodeInstance, bool),
}

/// An instance and whether it has been up anywhere.
type Claim<'a> = (&'a NodeInstance, bool);

/// Returns whether `one` keeps the node id that both use: the one that has been up; of two that have, which were apart, the
/// later start, and of two that have not, the earlier one.
fn keeps((one, one_admitted): Claim<'_>, (other, other_admitted): Claim<'_>) -> bool {
    if one_admitted != other_admitted {
        return one_admitted;
    }
    let is_later = (one.boot, one.instance) > (other.boot, other.instance);
    is_later == one_admitted
}

impl Membership {
    /// Settles whether an instance may use its node id. Returns whether it may.
    pub(super) fn settle_clash(
        &mut self,
        now: Duration,
        instance: Instance,
        effects: &mut Vec<MembershipEffect>,
    ) -> bool {
        let Some(peer) = self.registry.peers.get(&instance) else { return false };
        if peer.state == PeerState::Up {
            return true;
        }
        if peer.who.node == self.registry.me.node {
            self.settle_own_clash(now, instance, effects);
            return false;
        }
        match self.rival_of(now, peer) {
            Rival::None => true,
            Rival::Undecided => false,
            Rival::Keeps(other, admitted) => {
                self.refuse(now, instance, other, admitted, effects);
                false
            }
            Rival::Ends(other) => {
                let by = peer.who.clone();
                self.end_start(now, other, &by, effects);
                true
            }
        }
    }

    fn rival_of(&self, now: Duration, peer: &Peer) -> Rival {
        let others = self.registry.peers.values().filter(|other| {
            let patience =
                if other.state.is_member() { self.options.down_after } else { self.options.suspect_after };
            other.who.node == peer.who.node
                && other.who.instance != peer.who.instance
                && (other.state.is_member() || other.state == PeerState::Joining)
                && other.is_heard(now, patience)
        });
        // A member first: it decides.
        let Some(other) = others.max_by_key(|other| other.state.is_member()) else { return Rival::None };
        if peer.who.boot > other.who.boot && self.is_over(now, other, peer) {
            return Rival::Ends(other.who.instance);
        }
        let is_alive = peer.first_heard.is_some_and(|appeared| other.beat_at >= appeared + CLASH_MARGIN);
        if !is_alive || peer.beat == 0 {
            return Rival::Undecided;
        }
        let admitted = other.admitted || other.state.is_member();
        if keeps((&other.who, admitted), (&peer.who, peer.admitted)) {
            Rival::Keeps(other.who.clone(), admitted)
        } else {
            Rival::Ends(other.who.instance)
        }
    }

    /// Returns whether an instance ended, now that a later start of its node is there: it is silent, or the later one has its
    /// endpoint, to which only one of them can be bound.
    fn is_over(&self, now: Duration, earlier: &Peer, later: &Peer) -> bool {
        !earlier.is_heard(now, self.options.suspect_after)
            || (earlier.endpoint.is_some() && earlier.endpoint == later.endpoint)
    }

    /// Another instance uses the id of this node.
    fn settle_own_clash(&mut self, now: Duration, instance: Instance, effects: &mut Vec<MembershipEffect>) {
        let me = &self.registry.me;
        let Some(peer) = self.registry.peers.get(&instance) else { return };
        let appeared = peer.first_heard.map(|heard| heard.max(self.started));
        let is_alive = peer.who.boot > me.boot
            || appeared.is_some_and(|appeared| peer.beat_at >= appeared + CLASH_MARGIN);
        if !is_alive {
            return;
        }
        let other = peer.who.clone();
        if keeps((me, self.is_admitted), (&other, peer.admitted)) {
            self.refuse(now, instance, me.clone(), self.is_admitted, effects);
        } else {
            self.give_up(&other, effects);
        }
    }

    /// Sends an instance that it must not use its node id: by its request channel if it has one, since it need not be
    /// connected to this node.
    fn refuse(
        &mut self,
        now: Duration,
        instance: Instance,
        other: NodeInstance,
        admitted: bool,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let Some(peer) = self.registry.peers.get_mut(&instance) else { return };
        if peer.refused.is_some_and(|last| now < last + REFUSAL_PAUSE) {
            return;
        }
        peer.refused = Some(now);
        let message = MembershipMessage::Refuse { to: instance, other, admitted };
        match peer.endpoint.as_ref().filter(|_| self.endpoint.is_some()) {
            Some(endpoint) => introduce(effects, endpoint, message),
            None => send_to(effects, instance, message),
        }
    }

    /// An instance that was replaced is heard again.
    pub(super) fn refuse_replaced(
        &mut self,
        now: Duration,
        instance: Instance,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let Some(peer) = self.registry.peers.get(&instance) else { return };
        let node = peer.who.node.clone();
        let other =
            self.registry.members().find(|other| other.who.node == node).map(|other| other.who.clone());
        if let Some(other) = other {
            self.refuse(now, instance, other, true, effects);
        }
    }

    /// Another node reports that another instance keeps the id of this node. It counts if it is for this instance, not for an
    /// earlier start, whose refusal somebody may repeat, and if this node agrees.
    pub(super) fn on_refusal(
        &mut self,
        to: Instance,
        other: &NodeInstance,
        admitted: bool,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let me = &self.registry.me;
        let is_clash = to == me.instance && other.node == me.node && other.instance != me.instance;
        if is_clash && keeps((other, admitted), (me, self.is_admitted)) {
            self.give_up(other, effects);
        }
    }

    fn give_up(&mut self, other: &NodeInstance, effects: &mut Vec<MembershipEffect>) {
        let me = self.registry.me.clone();
        let text = format!(
            "node id {} is in use by another node: instance {} keeps it, and instance {} (this node) leaves the bus; \
             give one of them another id",
            me.node, other.instance, me.instance
        );
        self.leave(effects);
        effects.push(MembershipEffect::Refused { other: other.clone(), text });
    }

    /// An instance is up: earlier starts of its node do not come back.
    pub(super) fn end_earlier_starts(
        &mut self,
        now: Duration,
        instance: Instance,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let Some(peer) = self.registry.peers.get(&instance) else { return };
        let by = peer.who.clone();
        let earlier = self.registry.peers.values().filter(|other| {
            other.who.node == by.node
                && other.who.boot < by.boot
                && matches!(other.state, PeerState::Down | PeerState::Joining)
                && !other.is_heard(now, self.options.suspect_after)
        });
        let earlier: Vec<Instance> = earlier.map(|other| other.who.instance).collect();
        for other in earlier {
            self.end_start(now, other, &by, effects);
        }
    }

    fn end_start(
        &mut self,
        now: Duration,
        ended: Instance,
        by: &NodeInstance,
        effects: &mut Vec<MembershipEffect>,
    ) {
        let reason = format!("instance {} of the same node replaced it", by.instance);
        self.set_state(now, ended, PeerState::Left, reason, effects);
    }
}
