use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use crate::{KeyColumns, NodeId, Row, RowKey, ServiceId, TableUpdate, TraceId};

/// What a subscription reports about one publisher of its table, in the order in which it happened there.
///
/// The first event of a publisher that has rows is [`Snapshot`](Self::Snapshot). A reader that applies snapshots and changes
/// has the publisher's table as it was at one moment; while it is not [`Stale`](Self::Stale), nothing that the publisher has
/// published is missing for longer than a heartbeat.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use data_services::{KeyColumns, Row, RowKey, TableEvent};
///
/// /// Applies an event to the rows of its publisher. Returns whether they are known to be current, if that changes.
/// fn apply(
///     rows: &mut BTreeMap<RowKey, Row>,
///     key: &KeyColumns,
///     event: TableEvent,
/// ) -> pubsub_api::Result<Option<bool>> {
///     match event {
///         TableEvent::Snapshot { rows: all, .. } => {
///             rows.clear();
///             for row in all {
///                 rows.insert(key.key_of(&row)?, row);
///             }
///         }
///         TableEvent::Change { change, .. } => {
///             for row in &change.removed {
///                 rows.remove(&key.key_of(row)?);
///             }
///             let changed = change.changed.iter().map(|(_, new)| new);
///             for row in change.added.iter().chain(changed) {
///                 rows.insert(key.key_of(row)?, row.clone());
///             }
///         }
///         TableEvent::Gone { .. } => rows.clear(),
///         TableEvent::Live { .. } => return Ok(Some(true)),
///         TableEvent::Stale { .. } => return Ok(Some(false)),
///         TableEvent::Raw { .. } => {}
///     }
///     Ok(None)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TableEvent {
    /// The whole table: it replaces all rows of this publisher.
    Snapshot {
        /// The publisher.
        publisher: TablePublisher,
        /// All rows.
        rows: Vec<Row>,
    },
    /// A change of the table, complete in itself.
    Change {
        /// The publisher.
        publisher: TablePublisher,
        /// The change.
        change: Arc<ChangedRows>,
    },
    /// Data that is not part of the table and is not kept.
    Raw {
        /// The publisher.
        publisher: TablePublisher,
        /// The data.
        value: Json,
    },
    /// Nothing confirms that the rows are current, until [`Live`](Self::Live).
    Stale {
        /// The publisher.
        publisher: TablePublisher,
        /// The reason, as text.
        reason: String,
    },
    /// The rows are current.
    Live {
        /// The publisher.
        publisher: TablePublisher,
    },
    /// The publisher has stopped, or has been down for longer than `forget_after`: its rows are removed.
    Gone {
        /// The publisher.
        publisher: TablePublisher,
        /// The rows that it had.
        removed: Vec<Row>,
        /// The reason, as text.
        reason: String,
    },
}

/// The rows that a change concerns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ChangedRows {
    /// Rows with a new key.
    pub added: Vec<Row>,
    /// Rows that replace another with their key: the old row and the new one.
    pub changed: Vec<(Row, Row)>,
    /// Rows that are gone.
    pub removed: Vec<Row>,
    /// The [trace](crate::Transaction::traced) that the change belongs to, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
}

/// One publisher of a table: a service on a node. It stays the same when the node or the service is started again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct TablePublisher {
    /// The node.
    pub node: NodeId,
    /// The service.
    pub service: ServiceId,
}

impl TableEvent {
    /// Returns the publisher that the event is about.
    #[must_use]
    pub fn publisher(&self) -> &TablePublisher {
        match self {
            Self::Snapshot { publisher, .. }
            | Self::Change { publisher, .. }
            | Self::Raw { publisher, .. }
            | Self::Stale { publisher, .. }
            | Self::Live { publisher }
            | Self::Gone { publisher, .. } => publisher,
        }
    }

    /// Returns the trace that a change belongs to; other events have none. A service that publishes what follows from the event
    /// passes it on ([`Transaction::traced`](crate::Transaction::traced)).
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        match self {
            Self::Change { change, .. } => change.trace,
            _ => None,
        }
    }
}

impl ChangedRows {
    /// What an update of a followed table changes.
    pub(crate) fn of(update: &TableUpdate) -> Self {
        let TableUpdate { added, changed, removed, trace, .. } = update;
        Self { added: added.clone(), changed: changed.clone(), removed: removed.clone(), trace: *trace }
    }

    /// The change from some rows to others.
    pub(crate) fn between(key: &KeyColumns, earlier: Vec<Row>, later: &[Row]) -> Self {
        let mut changes = Self::default();
        let key_of = |row: &Row| key.key_of(row).ok();
        let mut old: BTreeMap<Option<RowKey>, Row> =
            earlier.into_iter().map(|row| (key_of(&row), row)).collect();
        for row in later {
            match old.remove(&key_of(row)) {
                Some(before) if before == *row => {}
                Some(before) => changes.changed.push((before, row.clone())),
                None => changes.added.push(row.clone()),
            }
        }
        changes.removed = old.into_values().collect();
        changes
    }

    /// Returns the number of changed rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.added.len() + self.changed.len() + self.removed.len()
    }

    /// Returns whether no row changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `vSphere.Boston on node-1`.
impl fmt::Display for TablePublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.service, self.node)
    }
}
