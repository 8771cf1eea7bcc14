use std::collections::BTreeMap;

use data_services::{CallError, KeyColumns, Row, RowKey, ServiceHandle, TableId, TraceId};
use pubsub_api::{Error, ErrorKind, Result};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::spawn_blocking;

use super::state_file::{SavedTables, StateFile};
use crate::status_board::StatusBoard;

/// The tables of a service of the kind `pushed`: each push is published, and then saved if there is a file.
#[derive(Debug)]
pub(super) struct PushedTables {
    keys: BTreeMap<TableId, KeyColumns>,
    board: StatusBoard,
    saved: Option<SavedRows>,
}

/// The rows of each table by their keys.
type KeyedTables = BTreeMap<TableId, BTreeMap<RowKey, Row>>;

/// The rows as they are, or are to be, in the file.
#[derive(Debug)]
struct SavedRows {
    file: StateFile,
    rows: Mutex<KeyedTables>,
}

impl PushedTables {
    pub(super) fn new(
        keys: BTreeMap<TableId, KeyColumns>,
        file: Option<StateFile>,
        board: StatusBoard,
    ) -> Self {
        let saved = file.map(|file| SavedRows { file, rows: Mutex::default() });
        Self { keys, board, saved }
    }

    pub(super) fn key(&self, table: &TableId) -> Result<&KeyColumns, CallError> {
        self.keys.get(table).ok_or_else(|| {
            let tables: Vec<&str> = self.keys.keys().map(TableId::as_str).collect();
            let text = format!("there is no table {table}; the tables are {tables:?}");
            CallError::new(data_services::CallErrorKind::BadArguments, text)
        })
    }

    /// Makes the tables of the service these, with the rows of the file if there is one, all at once.
    pub(super) async fn begin(&self, service: &ServiceHandle) -> Result<()> {
        let mut transaction = service.transaction();
        for table in service.tables().await?.keys().filter(|table| !self.keys.contains_key(*table)) {
            transaction = transaction.withdraw(table.as_str());
        }
        for (table, key) in &self.keys {
            transaction = transaction.declare(table.as_str(), key.clone());
        }
        if let Some(saved) = &self.saved {
            let read = self.read(service, saved).await?;
            let mut rows = saved.rows.lock().await;
            for (table, key) in &self.keys {
                let restored = read.get(table).cloned().unwrap_or_default();
                let keyed = restored.iter().map(|row| Ok((key.key_of(row)?, row.clone())));
                rows.insert(table.clone(), keyed.collect::<Result<_>>()?);
                transaction = transaction.publish(table.as_str(), restored);
            }
        }
        transaction.commit().await.map(drop)
    }

    async fn read(&self, service: &ServiceHandle, saved: &SavedRows) -> Result<SavedTables> {
        let file = saved.file.clone();
        let read = blocking(move || file.read()).await?;
        for table in read.keys().filter(|table| !self.keys.contains_key(*table)) {
            let id = service.id();
            tracing::warn!(id = "SK1017", service = %id, %table, "dropped the saved rows of a table that is not configured any more");
        }
        Ok(read)
    }

    /// Publishes the whole state of a table. Returns the number of changed rows.
    pub(super) async fn push(
        &self,
        service: &ServiceHandle,
        table: &TableId,
        rows: Vec<Row>,
        trace: Option<TraceId>,
    ) -> Result<usize> {
        let guard = self.lock().await;
        let published =
            service.transaction().traced(trace).publish(table.as_str(), rows.clone()).commit().await;
        let count = self.counted(published)?;
        if let (Some((saved, mut all)), Some(key)) = (guard, self.keys.get(table)) {
            let keyed = rows.into_iter().map(|row| Ok((key.key_of(&row)?, row))).collect::<Result<_>>()?;
            all.insert(table.clone(), keyed);
            self.save(saved, &all).await?;
        }
        Ok(count)
    }

    /// Puts and deletes rows of a table. Returns the number of changed rows.
    pub(super) async fn change(
        &self,
        service: &ServiceHandle,
        table: &TableId,
        (put, deleted): (Vec<Row>, Vec<RowKey>),
        trace: Option<TraceId>,
    ) -> Result<usize> {
        let guard = self.lock().await;
        let change = service.transaction().traced(trace).change(table.as_str(), put.clone(), deleted.clone());
        let count = self.counted(change.commit().await)?;
        if let (Some((saved, mut all)), Some(key)) = (guard, self.keys.get(table)) {
            let rows = all.entry(table.clone()).or_default();
            deleted.iter().for_each(|gone| drop(rows.remove(gone)));
            for row in put {
                rows.insert(key.key_of(&row)?, row);
            }
            self.save(saved, &all).await?;
        }
        Ok(count)
    }

    /// Pushes are published and saved in one order.
    async fn lock(&self) -> Option<(&SavedRows, MutexGuard<'_, KeyedTables>)> {
        match &self.saved {
            Some(saved) => Some((saved, saved.rows.lock().await)),
            None => None,
        }
    }

    fn counted(&self, published: Result<usize>) -> Result<usize> {
        match &published {
            Ok(_) => self.board.updated(&[]),
            Err(error) => self.board.failed(error),
        }
        published
    }

    async fn save(&self, saved: &SavedRows, all: &KeyedTables) -> Result<()> {
        let tables: SavedTables =
            all.iter().map(|(table, rows)| (table.clone(), rows.values().cloned().collect())).collect();
        let file = saved.file.clone();
        blocking(move || file.write(&tables)).await.map_err(|error| {
            let error = error.context("the rows are published but not saved; the next push saves them");
            self.board.failed(&error);
            error
        })
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the task that uses the file failed").with_source(error))
    })
}
