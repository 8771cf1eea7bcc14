use delivery::Position;

use super::limits::ROW_OVERHEAD;
use super::message::GroupMember;
use crate::{KeyColumns, Row, RowKey, TraceId};

/// What the tracker of a followed stream orders: changes, or a snapshot that replaces all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum TableEvent {
    /// The next change.
    Change(KeyedChange),
    /// All rows at a position.
    Snapshot(KeyedRows),
    /// The table has no row at this position; only as the first content.
    Empty(Position),
}

/// A complete change; its rows have their keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct KeyedChange {
    pub(super) position: Position,
    pub(super) key: KeyColumns,
    pub(super) put: Vec<(RowKey, Row)>,
    pub(super) deleted: Vec<RowKey>,
    pub(super) group: Vec<GroupMember>,
    pub(super) trace: Option<TraceId>,
    pub(super) bytes: usize,
}

/// All rows at a position, with their keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct KeyedRows {
    pub(super) position: Position,
    pub(super) key: KeyColumns,
    pub(super) rows: Vec<(RowKey, Row)>,
    /// As in [`Page`](super::message::Page).
    pub(super) partners: Vec<GroupMember>,
}

impl TableEvent {
    pub(super) fn position(&self) -> Position {
        match self {
            Self::Change(change) => change.position,
            Self::Snapshot(snapshot) => snapshot.position,
            Self::Empty(position) => *position,
        }
    }

    /// The positions that other tables must have reached for the commits that are visible after it, and maybe its own one.
    pub(super) fn needs(&self) -> &[GroupMember] {
        match self {
            Self::Change(change) => &change.group,
            Self::Snapshot(snapshot) => &snapshot.partners,
            Self::Empty(_) => &[],
        }
    }

    /// Whether it replaces all rows.
    pub(super) fn is_whole(&self) -> bool {
        !matches!(self, Self::Change(_))
    }

    /// The size of a change. There is one snapshot at most, which has a bound of its own.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Change(change) => change.bytes,
            Self::Snapshot(_) | Self::Empty(_) => 0,
        }
    }
}

/// The rows with their keys; `None` if one lacks a key column.
pub(super) fn keyed(key: &KeyColumns, rows: Vec<Row>) -> Option<Vec<(RowKey, Row)>> {
    rows.into_iter().map(|row| Some((key.key_of(&row).ok()?, row))).collect()
}

/// The size of rows and of keys.
pub(super) fn size(put: &[(RowKey, Row)], deleted: &[RowKey]) -> usize {
    let put: usize = put.iter().map(|(_, row)| row.as_json().len() + ROW_OVERHEAD).sum();
    put + deleted.iter().map(|key| key.as_json().len() + ROW_OVERHEAD).sum::<usize>() + ROW_OVERHEAD
}
