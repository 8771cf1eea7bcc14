use std::collections::VecDeque;

use delivery::Position;

use super::NodeCore;
use crate::calls::{CalleeEffect, CallerEffect};
use crate::membership::{MembershipEffect, PeerState, TableHead};
use crate::node::BusAction;
use crate::packet::{Destination, Message, Outgoing};
use crate::tables::{FollowEffect, PublishEffect};
use crate::{NodeInstance, StreamName};

/// What the parts of the engine have asked for and the node has not done yet.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) membership: Vec<MembershipEffect>,
    pub(super) published: Vec<PublishEffect>,
    pub(super) followed: Vec<FollowEffect>,
    pub(super) caller: Vec<CallerEffect>,
    pub(super) callee: Vec<CalleeEffect>,
    /// Messages of the node to itself.
    pub(super) own: VecDeque<Message>,
}

/// What the parts of the engine ask for.
impl NodeCore {
    /// Does what the parts have asked for, until none asks for more.
    pub(super) fn settle(&mut self) {
        loop {
            let (membership, published) =
                (std::mem::take(&mut self.effects.membership), std::mem::take(&mut self.effects.published));
            let (followed, caller) =
                (std::mem::take(&mut self.effects.followed), std::mem::take(&mut self.effects.caller));
            let callee = std::mem::take(&mut self.effects.callee);
            membership.into_iter().for_each(|effect| self.membership_effect(effect));
            published.into_iter().for_each(|effect| self.publish_effect(effect));
            followed.into_iter().for_each(|effect| self.follow_effect(effect));
            caller.into_iter().for_each(|effect| self.caller_effect(effect));
            callee.into_iter().for_each(|effect| self.callee_effect(effect));
            if let Some(message) = self.effects.own.pop_front() {
                let me = self.me.clone();
                self.message(&me, message);
            } else if self.effects.are_empty() {
                self.note_registry();
                return;
            }
        }
    }

    /// Notes a change of the registry that no effect reports.
    fn note_registry(&mut self) {
        let shape = (self.membership.registry().len(), self.membership.is_registry_complete(self.now));
        if std::mem::replace(&mut self.registry_shape, shape) != shape {
            self.registry_revision += 1;
        }
    }

    fn membership_effect(&mut self, effect: MembershipEffect) {
        if matches!(effect, MembershipEffect::Peer { .. } | MembershipEffect::Entry(_)) {
            self.registry_revision += 1;
        }
        match effect {
            MembershipEffect::Send(outgoing) => self.send(outgoing),
            MembershipEffect::Introduce { endpoint, message } => {
                self.actions.push(BusAction::Introduce { endpoint, message });
            }
            MembershipEffect::Connect(endpoint) => self.actions.push(BusAction::Connect(endpoint)),
            MembershipEffect::Disconnect(endpoint) => self.actions.push(BusAction::Disconnect(endpoint)),
            MembershipEffect::Peer { peer, state, reason } => self.peer_changed(&peer, state, &reason),
            MembershipEffect::Entry(_) => self.reconcile(),
            MembershipEffect::Ignored { source, reason } => {
                self.ignored += 1;
                tracing::debug!(%source, reason, "ignored a message about membership");
            }
            MembershipEffect::Heads(instance, heads) => {
                for head in heads {
                    let TableHead { service, table, epoch, sequence } = head;
                    let stream = StreamName { instance, service, table };
                    let position = Position { epoch, sequence };
                    self.followed.head(self.now, &stream, position, &mut self.effects.followed);
                }
            }
            MembershipEffect::Refused { text, .. } => self.refused = Some(text),
        }
    }

    fn peer_changed(&mut self, peer: &NodeInstance, state: PeerState, reason: &str) {
        let is_up = matches!(state, PeerState::Up);
        self.followed.publisher_state(self.now, peer.instance, is_up, &mut self.effects.followed);
        if matches!(state, PeerState::Down | PeerState::Left) {
            tracing::info!(%peer, state = state.as_str(), reason, "a peer is gone");
            self.caller.peer_lost(self.now, peer.instance, &mut self.effects.caller);
            self.callee.peer_lost(peer.instance, &mut self.effects.callee);
        }
        self.reconcile();
    }

    /// Sends to peers by the driver, and to this node itself directly.
    pub(super) fn send(&mut self, outgoing: Outgoing) {
        let Outgoing { to, message } = outgoing;
        match &to {
            Destination::Instance(instance) if *instance == self.me.instance => {
                self.effects.own.push_back(message);
            }
            Destination::Followers(stream) => {
                if self.is_followed_here(stream) {
                    self.effects.own.push_back(message.clone());
                }
                if self.followed_elsewhere.contains(stream) {
                    self.table_messages_sent += 1;
                    self.actions.push(BusAction::Send(Outgoing { to, message }));
                }
            }
            _ => self.actions.push(BusAction::Send(Outgoing { to, message })),
        }
    }
}

impl Effects {
    fn are_empty(&self) -> bool {
        self.membership.is_empty()
            && self.published.is_empty()
            && self.followed.is_empty()
            && self.caller.is_empty()
            && self.callee.is_empty()
            && self.own.is_empty()
    }
}
