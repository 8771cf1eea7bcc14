use pubsub_api::Result;

use crate::node::Commit;
use crate::tables::TableChange;
use crate::{Difference, KeyColumns, Row, RowKey, ServiceHandle, TableId, TraceId};

/// A change of several tables of one service that subscribers see as one: no subscriber of two of them on one node finds one
/// changed and the other not.
///
/// Nothing is sent before [`commit`](Self::commit); a transaction that is dropped changes nothing. It has at most 256 tables,
/// each at most once.
///
/// ```
/// use data_services::{Row, RowKey, ServiceHandle};
///
/// /// Moves a row from one table to another: no subscriber sees it in both, or in none.
/// async fn move_row(service: &ServiceHandle, row: Row, key: RowKey) -> pubsub_api::Result<()> {
///     let moved = service.transaction().change("waiting", vec![], vec![key]).change("done", vec![row], vec![]);
///     moved.commit().await.map(drop)
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing changes before `commit`"]
pub struct Transaction {
    service: ServiceHandle,
    commit: Result<Commit>,
}

/// Changes of several tables.
impl ServiceHandle {
    /// Begins a change of several tables that subscribers see as one.
    pub fn transaction(&self) -> Transaction {
        Transaction { service: self.clone(), commit: Ok(Commit::default()) }
    }
}

impl Transaction {
    /// Adds a table that the service publishes from now on, without rows unless this transaction publishes some. A table that
    /// it has with these key columns stays as it is; one with others loses its rows, also if the transaction fails.
    pub fn declare(self, table: &str, key: KeyColumns) -> Self {
        self.with(table, |commit, table| commit.declared.push((table, key)))
    }

    /// Ends a table. A table that the service does not have is no error.
    pub fn withdraw(self, table: &str) -> Self {
        self.with(table, |commit, table| commit.withdrawn.push(table))
    }

    /// Replaces the whole state of a table.
    pub fn publish(self, table: &str, rows: Vec<Row>) -> Self {
        self.with(table, |commit, table| commit.changes.push((table, TableChange::Rows(rows))))
    }

    /// Changes some rows of a table.
    pub fn change(self, table: &str, put: Vec<Row>, deleted: Vec<RowKey>) -> Self {
        let change = TableChange::Difference(Difference { put, deleted });
        self.with(table, |commit, table| commit.changes.push((table, change)))
    }

    /// Sets the trace that the changes belong to: subscribers see it in each [change](crate::ChangedRows::trace). A snapshot has
    /// none, since it has many changes.
    pub fn traced(mut self, trace: impl Into<Option<TraceId>>) -> Self {
        if let Ok(commit) = &mut self.commit {
            commit.trace = trace.into();
        }
        self
    }

    /// Makes all changes, or none. Returns the number of changed rows.
    ///
    /// # Errors
    /// As [`ServiceHandle::publish`], for any of the tables; [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) also for more
    /// than 256 tables and for a table that is named twice.
    ///
    /// # Cancel safety
    /// If the future is dropped, all changes were made, or none.
    pub async fn commit(self) -> Result<usize> {
        self.service.commit(self.commit?).await
    }

    fn with(mut self, table: &str, add: impl FnOnce(&mut Commit, TableId)) -> Self {
        match (TableId::new(table), &mut self.commit) {
            (Ok(table), Ok(commit)) => add(commit, table),
            (Err(error), Ok(_)) => self.commit = Err(error),
            (_, Err(_)) => {}
        }
        self
    }
}
