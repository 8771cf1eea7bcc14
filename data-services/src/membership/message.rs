use serde::{Deserialize, Serialize};

use super::table_head::TableHead;
use crate::{Instance, NodeEntry, NodeInstance};

/// What nodes send each other about themselves. The only periodic one is the heartbeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum MembershipMessage {
    /// To everyone, once a second: the sender is there, and the digests of what it knows.
    Heartbeat(Box<Heartbeat>),
    /// By the request channel of the endpoint `to`: the sender wants to be connected to.
    Introduction {
        /// The endpoint that it was sent to.
        to: String,
        /// The sender.
        heartbeat: Box<Heartbeat>,
    },
    /// By the request channel: the reply to an introduction; the sender is the node at the endpoint `to`.
    Welcome {
        /// The endpoint that the introduction was sent to.
        to: String,
        /// The sender.
        heartbeat: Box<Heartbeat>,
    },
    /// To one node: the sender asks whether it is heard, and confirms that it hears the receiver.
    Probe {
        /// The last heartbeat of the receiver that the sender heard; 0 if it does not hear it, and then nothing is confirmed.
        beat: u64,
        /// The latest heartbeat of the sender, which the receiver may not have heard.
        heartbeat: Box<Heartbeat>,
    },
    /// To one node: the sender hears it.
    Confirm {
        /// The last heartbeat of the receiver that the sender heard.
        beat: u64,
    },
    /// The entry of the sender: to everyone when it changes, to one node that pulled it.
    Entry {
        /// The revision of the entry.
        revision: u64,
        /// The entry.
        entry: NodeEntry,
    },
    /// To one node: it shall send its entry.
    PullEntry,
    /// To everyone: nodes that introduced themselves to the sender.
    Newcomers(Vec<MemberCard>),
    /// To one node: it shall send what it knows and the sender does not.
    Pull(Pull),
    /// To one node: a part of the reply to a pull.
    Page(RegistryPage),
    /// To one node: it must not use its node id, since `other` does.
    Refuse {
        /// The instance that must not use it; by the request channel, another one may receive the message.
        to: Instance,
        /// The instance that keeps the node id.
        other: NodeInstance,
        /// Whether `other` has been up at any node.
        admitted: bool,
    },
    /// To everyone: the sender leaves the bus.
    Goodbye,
}

/// The digests of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Heartbeat {
    /// Its number, from 1, rising by 1 in each instance.
    pub(crate) beat: u64,
    /// Whether the sender has been up at any node.
    pub(crate) admitted: bool,
    /// Where others connect to; none on a broker.
    pub(crate) endpoint: Option<String>,
    /// The revision of the sender's entry.
    pub(crate) revision: u64,
    /// The hash of the sender's entry.
    pub(crate) hash: u64,
    /// The hash of the sender's list of members.
    pub(crate) members: u64,
    /// Instances that the sender heard before, and does not hear now.
    pub(crate) deaf_to: Vec<Instance>,
    /// The last changes of the sender's tables.
    pub(crate) heads: Vec<TableHead>,
}

/// What one node reports about another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberCard {
    /// The node.
    pub(crate) who: NodeInstance,
    /// Where others connect to.
    pub(crate) endpoint: Option<String>,
    /// The revision of `entry`.
    pub(crate) revision: u64,
    /// The entry; none if the reporting node does not have it.
    pub(crate) entry: Option<NodeEntry>,
}

/// A request for what the receiver knows and the sender does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// Rises with each pull of the sender.
    pub(crate) number: u64,
    /// What the sender knows, and with which revision of the entry; 0 for no entry.
    pub(crate) known: Vec<(Instance, u64)>,
}

/// A part of the reply to a pull.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RegistryPage {
    /// The number of the pull.
    pub(crate) number: u64,
    /// The number of this page, from 0.
    pub(crate) page: u32,
    /// The number of pages.
    pub(crate) pages: u32,
    /// The hash of the sender's list of members.
    pub(crate) members: u64,
    /// The members that the receiver does not know, or of which it has an old entry.
    pub(crate) cards: Vec<MemberCard>,
}
