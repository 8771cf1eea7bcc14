use delivery::Position;

use super::message::{Mark, TableMessage};
use crate::packet::{Destination, Message, Outgoing};
use crate::{Instance, StreamName};

/// What the published tables demand or report, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PublishEffect {
    /// Send a message.
    Send(Outgoing),
    /// The table has a follower, and had none.
    FirstFollower(StreamName),
    /// The table has no follower any more.
    NoFollower(StreamName),
}

/// A message to one instance.
pub(super) fn to_instance(instance: Instance, message: TableMessage) -> PublishEffect {
    PublishEffect::Send(Outgoing { to: Destination::Instance(instance), message: Message::Table(message) })
}

/// A message to all followers of its stream.
pub(super) fn to_followers(message: TableMessage) -> PublishEffect {
    let to = Destination::Followers(message.stream().clone());
    PublishEffect::Send(Outgoing { to, message: Message::Table(message) })
}

/// A mark to all followers.
pub(super) fn mark(stream: &StreamName, position: Position) -> PublishEffect {
    to_followers(TableMessage::Mark(Mark { stream: stream.clone(), position }))
}
