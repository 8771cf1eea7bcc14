use crate::packet::Message;
use crate::{Instance, NodeInstance};

/// What a node receives from its bus.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BusEvent {
    /// A packet of another instance.
    Packet {
        /// The node that sent it.
        source: NodeInstance,
        /// Its messages, in order; all belong to one part of the engine.
        messages: Vec<Message>,
    },
    /// An instance has connected: from now on it receives what this node sends. Only drivers that see subscriptions report it
    /// ([`sees_subscribers`](pubsub_api::Capabilities::sees_subscribers)), and none of a broker; one that is not reported is
    /// noticed by its packets.
    Listener(Instance),
    /// Packets may have been lost, or a connection that was lost has returned: ask for what is missing. A driver may
    /// report many of these in a row, at most one for each connection and each gap.
    Reset {
        /// The endpoint of the peer; absent if any peer may be affected, as on a broker.
        endpoint: Option<String>,
        /// What happened, as text.
        reason: String,
    },
}
