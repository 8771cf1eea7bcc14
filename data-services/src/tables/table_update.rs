use delivery::Position;

use crate::{Row, StreamName, TraceId};

/// What changed in a followed table, by one change of its publisher or by a snapshot.
///
/// The first update of a stream is its complete content, also if that is empty. All later ones are differences to the rows
/// before, also those that a snapshot caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableUpdate {
    /// The stream.
    pub stream: StreamName,
    /// The position of the publisher whose rows the follower has after the update.
    pub position: Position,
    /// Whether it replaced the rows as a whole: it is the first one, or changes in between were skipped.
    pub is_snapshot: bool,
    /// Rows whose key is new.
    pub added: Vec<Row>,
    /// Rows before and after.
    pub changed: Vec<(Row, Row)>,
    /// Rows that are gone.
    pub removed: Vec<Row>,
    /// The trace that the change belongs to; none for a snapshot.
    pub trace: Option<TraceId>,
}

impl TableUpdate {
    /// Returns whether no row changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}
