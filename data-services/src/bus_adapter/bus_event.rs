use crate::NodeInstance;
use crate::packet::Message;

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
    /// Packets may have been lost, or a connection that was lost has returned: ask for what is missing. A driver may
    /// report many of these in a row, at most one for each connection and each gap.
    Reset {
        /// The endpoint of the peer; absent if any peer may be affected, as on a broker.
        endpoint: Option<String>,
        /// What happened, as text.
        reason: String,
    },
}
