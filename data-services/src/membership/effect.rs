use super::message::MembershipMessage;
use super::peer_state::PeerState;
use super::table_head::TableHead;
use crate::packet::{Destination, Message, Outgoing};
use crate::{Instance, NodeInstance};

/// What a [`Membership`](super::Membership) demands or reports, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MembershipEffect {
    /// Send a message.
    Send(Outgoing),
    /// Send a message by the request channel of an endpoint. Nothing depends on its arrival.
    Introduce {
        /// The endpoint.
        endpoint: String,
        /// The message.
        message: Message,
    },
    /// Connect to the publisher of this endpoint, and keep the connection.
    Connect(String),
    /// End the connection to this endpoint.
    Disconnect(String),
    /// The state of another node changed.
    Peer {
        /// The node.
        peer: NodeInstance,
        /// Its new state.
        state: PeerState,
        /// The cause, for people.
        reason: String,
    },
    /// The registry has a new entry of this instance, which is this node or a member. It also follows each `Peer` effect
    /// of a node that becomes up with a known entry.
    Entry(Instance),
    /// The last changes of the tables of a member.
    Heads(Instance, Vec<TableHead>),
    /// Another instance keeps the id of this node. This node has said goodbye, and is no member any more.
    Refused {
        /// The other instance.
        other: NodeInstance,
        /// A sentence that names both.
        text: String,
    },
    /// A message of this node was dropped.
    Ignored {
        /// The sender.
        source: NodeInstance,
        /// The cause.
        reason: &'static str,
    },
}

/// Pushes a message to one destination.
pub(super) fn send(effects: &mut Vec<MembershipEffect>, to: Destination, message: MembershipMessage) {
    effects.push(MembershipEffect::Send(Outgoing { to, message: Message::Membership(message) }));
}

/// Pushes a message to one instance.
pub(super) fn send_to(effects: &mut Vec<MembershipEffect>, to: Instance, message: MembershipMessage) {
    send(effects, Destination::Instance(to), message);
}

/// Pushes a message for the request channel of an endpoint.
pub(super) fn introduce(effects: &mut Vec<MembershipEffect>, endpoint: &str, message: MembershipMessage) {
    let message = Message::Membership(message);
    effects.push(MembershipEffect::Introduce { endpoint: endpoint.to_owned(), message });
}
