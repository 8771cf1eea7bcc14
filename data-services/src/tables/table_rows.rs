use std::collections::BTreeMap;

use super::limits::ROW_OVERHEAD;
use crate::{Row, RowKey};

/// Rows by key, and their size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct TableRows {
    rows: BTreeMap<RowKey, Row>,
    bytes: usize,
}

impl TableRows {
    /// The row of a key.
    pub(super) fn get(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The size: texts and overhead.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All rows in the order of their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&RowKey, &Row)> {
        self.rows.iter()
    }

    /// All rows in the order of their keys, without these.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// Adds a row; returns the one that it replaces.
    pub(super) fn put(&mut self, key: RowKey, row: Row) -> Option<Row> {
        let bytes = row_bytes(&key, &row);
        let replaced = self.rows.insert(key.clone(), row);
        self.bytes += bytes;
        if let Some(replaced) = &replaced {
            self.bytes -= row_bytes(&key, replaced);
        }
        replaced
    }

    /// Removes and returns a row.
    pub(super) fn remove(&mut self, key: &RowKey) -> Option<Row> {
        let removed = self.rows.remove(key)?;
        self.bytes -= row_bytes(key, &removed);
        Some(removed)
    }
}

/// The size of a row with its key. A key that is the whole row shares its text.
pub(super) fn row_bytes(key: &RowKey, row: &Row) -> usize {
    let (key, row) = (key.as_json(), row.as_json());
    ROW_OVERHEAD + row.len() + if key == row { 0 } else { key.len() }
}
