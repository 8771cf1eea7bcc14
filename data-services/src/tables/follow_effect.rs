use std::sync::Arc;

use serde_json::Value as Json;

use super::message::TableMessage;
use super::stream_phase::StreamPhase;
use super::table_update::TableUpdate;
use crate::StreamName;
use crate::packet::{Destination, Message, Outgoing};

/// What the followed tables demand or report, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FollowEffect {
    /// Send a message.
    Send(Outgoing),
    /// Rows changed: apply all of these together. They are the changes of one commit, or a snapshot and what had to wait for
    /// it. A stream can appear more than once; its updates are in order.
    Update(Vec<Arc<TableUpdate>>),
    /// The phase of a stream is another one now. It precedes the updates that come after.
    Phase(StreamName, StreamPhase),
    /// The publisher sent a value outside the sequence.
    Raw(StreamName, Json),
    /// Something was refused, for the log: the sentence has what and why.
    Refused(StreamName, String),
}

/// A message to the publisher of its stream.
pub(super) fn to_publisher(message: TableMessage) -> FollowEffect {
    let to = Destination::Instance(message.stream().instance);
    FollowEffect::Send(Outgoing { to, message: Message::Table(message) })
}
