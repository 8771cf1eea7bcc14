use std::collections::VecDeque;

use delivery::Position;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::NodeCore;
use crate::calls::{CalleeEffect, CallerEffect};
use crate::membership::{MembershipEffect, PeerState, TableHead};
use crate::node::BusAction;
use crate::packet::{Destination, Message, Outgoing};
use crate::tables::{FollowEffect, PublishEffect};
use crate::{CallError, NodeInstance, StreamName};

/// What the parts of the engine have asked for and the node has not done yet.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) membership: Vec<MembershipEffect>,
    pub(super) published: Vec<PublishEffect>,
    pub(super) followed: Vec<FollowEffect>,
    pub(super) caller: Vec<CallerEffect>,
    pub(super) callee: Vec<CalleeEffect>,
    /// The results of calls of this node.
    pub(super) replies: Vec<Reply>,
    /// Messages of the node to itself.
    pub(super) own: VecDeque<Message>,
}

/// The result of a call, and the caller that waits for it.
pub(super) struct Reply {
    pub(super) to: oneshot::Sender<Result<Json, CallError>>,
    pub(super) result: Result<Json, CallError>,
}

/// What the parts of the engine ask for.
impl NodeCore {
    /// Does what the parts have asked for, until none asks for more.
    pub(in crate::node) fn settle(&mut self) {
        loop {
            let (membership, published) =
                (std::mem::take(&mut self.effects.membership), std::mem::take(&mut self.effects.published));
            let followed = std::mem::take(&mut self.effects.followed);
            let (mut caller, mut callee) =
                (std::mem::take(&mut self.effects.caller), std::mem::take(&mut self.effects.callee));
            membership.into_iter().for_each(|effect| self.membership_effect(effect));
            published.into_iter().for_each(|effect| self.publish_effect(effect));
            followed.into_iter().for_each(|effect| self.follow_effect(effect));
            caller.drain(..).for_each(|effect| self.caller_effect(effect));
            callee.drain(..).for_each(|effect| self.callee_effect(effect));
            self.effects.reuse(caller, callee);
            if let Some(message) = self.effects.own.pop_front() {
                let me = self.me.clone();
                self.message(&me, message);
            } else if self.effects.are_empty() {
                self.note_registry();
                return;
            }
        }
    }

    /// Sends the results that have arrived, one after the other: threads that are idle are woken for many at once.
    pub(crate) fn send_replies(&mut self) {
        for Reply { to, result } in self.effects.replies.drain(..) {
            // The caller may have given up.
            drop(to.send(result));
        }
    }

    /// Returns what the driver has to do, in order.
    pub(crate) fn take_actions(&mut self) -> impl Iterator<Item = BusAction> {
        self.actions.drain(..)
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
            tracing::info!(id = "SK1007", %peer, state = state.as_str(), reason, "a peer is gone");
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
    /// Keeps the memory of lists that were emptied, for the next effects.
    fn reuse(&mut self, caller: Vec<CallerEffect>, callee: Vec<CalleeEffect>) {
        if self.caller.is_empty() {
            self.caller = caller;
        }
        if self.callee.is_empty() {
            self.callee = callee;
        }
    }

    fn are_empty(&self) -> bool {
        self.membership.is_empty()
            && self.published.is_empty()
            && self.followed.is_empty()
            && self.caller.is_empty()
            && self.callee.is_empty()
            && self.own.is_empty()
    }
}
