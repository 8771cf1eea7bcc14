use delivery::Position;

use super::limits::ROW_OVERHEAD;
use super::message::{Mark, TableMessage};
use crate::packet::{Destination, Message, Outgoing};
use crate::{Instance, NodeInstance, Row, StreamName};

/// What the published tables demand or report, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PublishEffect {
    /// Send a message.
    Send(Outgoing),
    /// The table has a follower, and had none.
    FirstFollower(StreamName),
    /// The table has no follower any more.
    NoFollower(StreamName),
    /// Requests of a peer were dropped, because it requested too much. Not more than once in 10 s for each peer.
    TooManyRequests {
        /// The peer.
        peer: NodeInstance,
        /// The number of dropped requests since the last report.
        refused: u64,
    },
}

impl PublishEffect {
    /// The size of what is sent: rows and keys.
    pub(super) fn bytes(&self) -> usize {
        let Self::Send(Outgoing { message: Message::Table(message), .. }) = self else { return 0 };
        let rows = |rows: &[Row]| rows.iter().map(|row| row.as_json().len() + ROW_OVERHEAD).sum::<usize>();
        match message {
            TableMessage::Page(page) => rows(&page.rows),
            TableMessage::Change(part) => {
                rows(&part.put) + part.deleted.iter().map(|key| key.as_json().len()).sum::<usize>()
            }
            _ => 0,
        }
    }
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
pub(super) fn mark(stream: &StreamName, position: Position, tokens: Vec<u64>) -> PublishEffect {
    to_followers(TableMessage::Mark(Mark { stream: stream.clone(), position, tokens }))
}
