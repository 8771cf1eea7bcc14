use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::pending;
use std::sync::Arc;

use async_trait::async_trait;
use data_services::{KeyColumns, TableId};
use northbound::SERVICE_TABLE;
use pubsub_api::Result;
use pubsub_api::database::{DbApi, UNIQUE_KEY_TABLE};

use super::northbound_options::NorthboundTableOptions;
use super::object_rows::object_rows;
use crate::{DataSource, PolledRows, PolledTable, PolledTables};

/// The tables of a database. A database with a revision is read only if that has changed since the last poll.
pub(super) struct DatabaseSource {
    database: Arc<dyn DbApi>,
    only: Option<Vec<TableId>>,
    last: Option<LastPoll>,
}

/// What the last poll has found.
struct LastPoll {
    /// The revision from before it, if the database has one.
    revision: Option<u64>,
    tables: BTreeSet<TableId>,
    errors: Vec<String>,
}

impl DatabaseSource {
    pub(super) fn new(options: NorthboundTableOptions) -> Result<Self> {
        Ok(Self { database: options.settings.database()?, only: options.tables, last: None })
    }

    async fn revision(&self) -> Result<Option<u64>> {
        match self.database.watch() {
            Some(watch) => watch.revision().await.map(Some),
            None => Ok(None),
        }
    }

    async fn names(&self, errors: &mut Vec<String>) -> Result<BTreeSet<TableId>> {
        if let Some(only) = &self.only {
            return Ok(only.iter().cloned().collect());
        }
        let mut names = BTreeSet::new();
        for table in self.database.tables().await? {
            if table == SERVICE_TABLE || table == UNIQUE_KEY_TABLE {
                continue;
            }
            match TableId::new(table) {
                Ok(table) => drop(names.insert(table)),
                Err(error) => errors.push(format!("a table of the database is left out: {error}")),
            }
        }
        Ok(names)
    }

    fn as_before(last: &LastPoll) -> PolledTables {
        let table =
            |table: &TableId| (table.clone(), PolledTable { key: key_columns(), rows: PolledRows::AsBefore });
        PolledTables { tables: last.tables.iter().map(table).collect(), errors: last.errors.clone() }
    }
}

/// Every object has an `id`.
fn key_columns() -> KeyColumns {
    KeyColumns::Fields(vec!["id".to_owned()])
}

#[async_trait]
impl DataSource for DatabaseSource {
    async fn tables(&mut self) -> Result<BTreeMap<TableId, KeyColumns>> {
        self.database.initialize().await?;
        let names = self.names(&mut Vec::new()).await?;
        Ok(names.into_iter().map(|table| (table, key_columns())).collect())
    }

    async fn poll(&mut self) -> Result<PolledTables> {
        self.database.initialize().await?;
        let revision = self.revision().await?;
        if let Some(last) = self.last.as_ref().filter(|last| revision.is_some() && last.revision == revision)
        {
            return Ok(Self::as_before(last));
        }
        let mut polled = PolledTables::default();
        let names = self.names(&mut polled.errors).await?;
        for table in &names {
            let entries = self.database.get_all_entries(table.as_str(), None).await?;
            let rows = object_rows(table.as_str(), entries, &mut polled.errors);
            polled = polled.with(table.clone(), key_columns(), rows);
        }
        self.last = Some(LastPoll { revision, tables: names, errors: polled.errors.clone() });
        Ok(polled)
    }

    async fn changed(&mut self) {
        let seen = self.last.as_ref().and_then(|last| last.revision);
        if let (Some(watch), Some(seen)) = (self.database.watch(), seen)
            && watch.changed(seen).await.is_ok()
        {
            return;
        }
        pending().await
    }

    async fn close(&mut self) {
        if let Err(error) = self.database.close().await {
            tracing::warn!(id = "SK0803", "the northbound database was not closed properly: {error}");
        }
    }
}

impl fmt::Debug for DatabaseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSource").field("database", &self.database).finish_non_exhaustive()
    }
}
