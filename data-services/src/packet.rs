//! What nodes send each other: packets of messages, as the values of events on reserved topics.

use serde::{Deserialize, Serialize};

#[cfg(test)]
use crate::NodeInstance;
use crate::calls::CallMessage;
use crate::membership::MembershipMessage;
use crate::tables::TableMessage;
use crate::{Instance, StreamName};

/// One message and its sender, as simulated networks carry them.
#[cfg(test)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Packet {
    /// The node that sent it.
    pub(crate) source: NodeInstance,
    /// The message.
    pub(crate) message: Message,
}

/// A message of one of the three parts of the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The nodes of the bus, and what each offers.
    Membership(MembershipMessage),
    /// Tables and their changes.
    Table(TableMessage),
    /// Calls and their results.
    Call(CallMessage),
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Destination {
    /// Every node of the bus but this one.
    Everyone,
    /// One instance; this one included.
    Instance(Instance),
    /// The nodes that subscribe to a table of this node; this node included, if it does.
    Followers(StreamName),
}

/// A message and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outgoing {
    /// The receivers.
    pub(crate) to: Destination,
    /// The message.
    pub(crate) message: Message,
}
