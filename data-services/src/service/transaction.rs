use pubsub_api::Result;

use crate::tables::TableChange;
use crate::{Difference, Row, RowKey, ServiceHandle, TableId};

/// A change of several tables of one service that subscribers see as one: no subscriber of two of them on one node finds one
/// changed and the other not.
///
/// Nothing is sent before [`commit`](Self::commit); a transaction that is dropped changes nothing.
#[derive(Debug)]
#[must_use = "nothing changes before `commit`"]
pub struct Transaction {
    service: ServiceHandle,
    changes: Result<Vec<(TableId, TableChange)>>,
}

/// Changes of several tables.
impl ServiceHandle {
    /// Begins a change of several tables that subscribers see as one.
    pub fn transaction(&self) -> Transaction {
        Transaction { service: self.clone(), changes: Ok(Vec::new()) }
    }
}

impl Transaction {
    /// Replaces the whole state of a table.
    pub fn publish(self, table: &str, rows: Vec<Row>) -> Self {
        self.with(table, TableChange::Rows(rows))
    }

    /// Changes some rows of a table.
    pub fn change(self, table: &str, put: Vec<Row>, deleted: Vec<RowKey>) -> Self {
        self.with(table, TableChange::Difference(Difference { put, deleted }))
    }

    /// Makes all changes, or none. Returns the number of changed rows.
    ///
    /// # Errors
    /// As [`ServiceHandle::publish`], for any of the tables.
    pub async fn commit(self) -> Result<usize> {
        self.service.commit(self.changes?).await
    }

    fn with(mut self, table: &str, change: TableChange) -> Self {
        match (TableId::new(table), &mut self.changes) {
            (Ok(table), Ok(changes)) => changes.push((table, change)),
            (Err(error), Ok(_)) => self.changes = Err(error),
            (_, Err(_)) => {}
        }
        self
    }
}
