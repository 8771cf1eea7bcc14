use std::collections::BTreeMap;

use super::limits::ROW_OVERHEAD;
use super::table_rows::row_bytes;
use crate::{Difference, Row, RowKey};

/// New values of rows by key; `None` for a row that is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct RowChanges {
    values: BTreeMap<RowKey, Option<Row>>,
    bytes: usize,
}

impl RowChanges {
    /// Whether no value is noted.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number of rows of which a value is noted.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The size: the texts of keys and rows, and an overhead for each.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The value that is noted for a key: `None` if none is, `Some(None)` if the row is gone.
    pub(super) fn get(&self, key: &RowKey) -> Option<&Option<Row>> {
        self.values.get(key)
    }

    /// All values, in the order of their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&RowKey, &Option<Row>)> {
        self.values.iter()
    }

    /// Notes a value; returns the one that was noted before.
    pub(super) fn put(&mut self, key: RowKey, value: Option<Row>) -> Option<Option<Row>> {
        let bytes = value_bytes(&key, value.as_ref());
        let replaced = self.values.insert(key.clone(), value);
        self.bytes += bytes;
        if let Some(replaced) = &replaced {
            self.bytes -= value_bytes(&key, replaced.as_ref());
        }
        replaced
    }

    /// Forgets the value of a key.
    pub(super) fn remove(&mut self, key: &RowKey) {
        if let Some(removed) = self.values.remove(key) {
            self.bytes -= value_bytes(key, removed.as_ref());
        }
    }

    /// The same as a difference.
    pub(super) fn to_difference(&self) -> Difference {
        let put = self.values.values().flatten().cloned().collect();
        let deleted = self.values.iter().filter(|(_, value)| value.is_none());
        Difference { put, deleted: deleted.map(|(key, _)| key.clone()).collect() }
    }
}

/// The size of a value with its key.
pub(super) fn value_bytes(key: &RowKey, value: Option<&Row>) -> usize {
    value.map_or(ROW_OVERHEAD + key.as_json().len(), |row| row_bytes(key, row))
}
