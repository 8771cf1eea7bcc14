use delivery::Position;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use crate::{KeyColumns, Row, RowKey, StreamName, TableId, TraceId};

/// What nodes send each other about tables.
///
/// A publisher sends `Change`, `Mark` and `Raw` to all followers of a stream, on its topic. All others go to one instance,
/// and so does a `Change` that is repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum TableMessage {
    /// Follower to publisher: send what I do not have.
    Open(Open),
    /// Follower to publisher: send pages of a snapshot.
    Pull(Pull),
    /// A change, or a part of one.
    Change(ChangePart),
    /// To all followers: the last sequence.
    Mark(Mark),
    /// To one follower: what answers its `Open` was sent before this; the last sequence. If the position of the follower is
    /// lower after it, more is to be requested.
    Answered(Mark),
    /// A page of a snapshot.
    Page(Page),
    /// A value outside the sequence, which is not kept.
    Raw {
        /// The stream.
        stream: StreamName,
        /// The value.
        value: Json,
    },
    /// Follower to publisher: the rows of the follower are those of this position.
    Applied {
        /// The stream.
        stream: StreamName,
        /// The position of the rows.
        #[serde(with = "position")]
        position: Position,
    },
    /// The publisher has no such table.
    Unknown(StreamName),
    /// The publisher does not let this follower have the table.
    Denied {
        /// The stream.
        stream: StreamName,
        /// The reason, as text.
        reason: String,
    },
}

/// A request for the changes after a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// The stream.
    pub(crate) stream: StreamName,
    /// What the follower has; [`Position::NONE`] if nothing.
    #[serde(with = "position")]
    pub(crate) have: Position,
    /// The token that a mark on the topic shall carry; none if no mark is needed.
    pub(crate) token: Option<u64>,
}

/// A request for pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// The stream.
    pub(crate) stream: StreamName,
    /// The position of the snapshot.
    #[serde(with = "position")]
    pub(crate) snapshot: Position,
    /// The pages, from 0.
    pub(crate) pages: Vec<u32>,
}

/// A part of a change. All parts have the same key columns and group, and are applied together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangePart {
    /// The stream.
    pub(crate) stream: StreamName,
    /// The epoch, and the sequence of the change.
    #[serde(with = "position")]
    pub(crate) position: Position,
    /// The number of this part, from 0.
    pub(crate) part: u32,
    /// The number of parts.
    pub(crate) parts: u32,
    /// Whether it was requested: then it went to one follower, not over the topic.
    pub(crate) is_replay: bool,
    /// The key columns of the table.
    pub(crate) key: KeyColumns,
    /// Rows that are new or changed.
    pub(crate) put: Vec<Row>,
    /// Keys of rows that are gone.
    pub(crate) deleted: Vec<RowKey>,
    /// All changes of the commit, this one included; empty if it is the only one.
    pub(crate) group: Vec<GroupMember>,
    /// The trace that the change belongs to.
    #[serde(default)]
    pub(crate) trace: Option<TraceId>,
}

/// One change of a commit of several tables of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub(crate) struct GroupMember {
    /// The table.
    pub(crate) table: TableId,
    /// The epoch, and the sequence of the change.
    #[serde(with = "position")]
    pub(crate) position: Position,
}

/// The last sequence of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The stream.
    pub(crate) stream: StreamName,
    /// The epoch, and the sequence; 0 if the table has not changed in this epoch.
    #[serde(with = "position")]
    pub(crate) position: Position,
    /// The tokens of the requests that this mark answers: it proves to their senders that the topic reaches them.
    #[serde(default)]
    pub(crate) tokens: Vec<u64>,
}

/// A page of a snapshot: all rows at one position, split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// The stream.
    pub(crate) stream: StreamName,
    /// The position of the snapshot.
    #[serde(with = "position")]
    pub(crate) position: Position,
    /// The number of this page, from 0.
    pub(crate) page: u32,
    /// The number of pages, at least 1.
    pub(crate) pages: u32,
    /// The key columns of the table.
    pub(crate) key: KeyColumns,
    /// The rows.
    pub(crate) rows: Vec<Row>,
    /// The other tables that had a commit in common with this one, each with its position in the last one up to the snapshot.
    /// Page 0 has them.
    #[serde(default)]
    pub(crate) partners: Vec<GroupMember>,
}

impl TableMessage {
    /// Returns the stream that it is about.
    #[must_use]
    pub(crate) fn stream(&self) -> &StreamName {
        match self {
            Self::Open(Open { stream, .. })
            | Self::Pull(Pull { stream, .. })
            | Self::Change(ChangePart { stream, .. })
            | Self::Mark(Mark { stream, .. })
            | Self::Answered(Mark { stream, .. })
            | Self::Page(Page { stream, .. })
            | Self::Raw { stream, .. }
            | Self::Applied { stream, .. }
            | Self::Denied { stream, .. }
            | Self::Unknown(stream) => stream,
        }
    }
}

/// A position as two numbers.
mod position {
    use super::{Deserialize, Deserializer, Position, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
        (position.epoch, position.sequence).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Position, D::Error> {
        let (epoch, sequence) = <(u64, u64)>::deserialize(deserializer)?;
        Ok(Position { epoch, sequence })
    }
}
