use std::collections::BTreeMap;

use data_services::{KeyColumns, Row, TableId};

/// What a poll has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolledTables {
    /// The tables that exist.
    pub tables: BTreeMap<TableId, PolledTable>,
    /// What went wrong beside that, one sentence each: it is shown in the status.
    pub errors: Vec<String>,
}

/// One table of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolledTable {
    /// What identifies its rows.
    pub key: KeyColumns,
    /// Its rows.
    pub rows: PolledRows,
}

/// The rows of a table of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolledRows {
    /// These.
    New(Vec<Row>),
    /// Those of the last poll that had some: nothing has changed, or an error hides the current ones. A table that was never
    /// published stays unpublished.
    AsBefore,
}

impl PolledTables {
    /// Adds a table with its rows.
    #[must_use]
    pub fn with(mut self, table: TableId, key: KeyColumns, rows: Vec<Row>) -> Self {
        self.tables.insert(table, PolledTable { key, rows: PolledRows::New(rows) });
        self
    }
}
