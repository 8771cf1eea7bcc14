use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::database::{
    DbApi, Entry, RowName, RowPlace, Watch, Write, check_table, check_topic, check_value,
};
use pubsub_api::{Posture, Result, Status};
use tokio::time::sleep;

use crate::owned_row::{OwnedRow, OwnedWrite};
use crate::rows::{self, in_transaction};
use crate::settings::SqliteSettings;
use crate::threads::Threads;

/// The database: checks names, and passes each call to the thread that executes it.
#[derive(Debug)]
pub(crate) struct SqliteDatabase {
    threads: Threads,
}

impl SqliteDatabase {
    pub(crate) fn new(settings: SqliteSettings) -> Self {
        Self { threads: Threads::new(settings) }
    }
}

#[async_trait]
impl DbApi for SqliteDatabase {
    async fn initialize(&self) -> Result<()> {
        self.threads.start().await
    }

    async fn create_table(&self, table: &str) -> Result<()> {
        check_table(table)?;
        let table = table.to_owned();
        self.threads
            .write(move |file| in_transaction(file, |transaction| rows::create_table(transaction, &table)))
            .await
    }

    async fn delete_table(&self, table: &str) -> Result<()> {
        check_table(table)?;
        let table = table.to_owned();
        self.threads
            .write(move |file| in_transaction(file, |transaction| rows::delete_table(transaction, &table)))
            .await
    }

    async fn tables(&self) -> Result<Vec<String>> {
        self.threads.read(|file| rows::tables(file)).await
    }

    async fn create_key(&self, row: RowName<'_>, value: Bytes, overwrite: bool) -> Result<()> {
        row.check().and_then(|()| check_value(&value))?;
        let row = OwnedRow::from(row);
        let create = move |file: &mut _| {
            in_transaction(file, |transaction| rows::create(transaction, row.name(), &value, overwrite))
        };
        self.threads.write(create).await
    }

    async fn set_key(&self, row: RowName<'_>, value: Bytes) -> Result<()> {
        row.check().and_then(|()| check_value(&value))?;
        let row = OwnedRow::from(row);
        self.threads
            .write(move |file| in_transaction(file, |transaction| rows::set(transaction, row.name(), &value)))
            .await
    }

    async fn get_key(&self, row: RowName<'_>) -> Result<Bytes> {
        row.check()?;
        let owned = OwnedRow::from(row);
        let found = self.threads.read(move |file| rows::get(file, owned.name())).await?;
        found.ok_or_else(|| row.not_found())
    }

    async fn delete_key(&self, row: RowName<'_>) -> Result<()> {
        row.check()?;
        let row = OwnedRow::from(row);
        self.threads
            .write(move |file| in_transaction(file, |transaction| rows::delete(transaction, row.name())))
            .await
    }

    async fn compare_and_set(
        &self,
        row: RowName<'_>,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
    ) -> Result<bool> {
        row.check().and_then(|()| check_value(new.as_deref().unwrap_or_default()))?;
        let (row, expected) = (OwnedRow::from(row), expected.map(<[u8]>::to_vec));
        let replace = move |file: &mut _| {
            in_transaction(file, |transaction| {
                rows::compare_and_set(transaction, row.name(), expected.as_deref(), new.as_deref())
            })
        };
        self.threads.write(replace).await
    }

    async fn get_all_entries(&self, table: &str, topic: Option<&str>) -> Result<Vec<Entry>> {
        check_table(table).and_then(|()| check_topic(topic))?;
        let (table, topic) = (table.to_owned(), topic.map(str::to_owned));
        self.threads.read(move |file| rows::entries(file, &table, topic.as_deref())).await
    }

    async fn get_all_keys(&self, table: &str, topic: Option<&str>) -> Result<Vec<RowPlace>> {
        check_table(table).and_then(|()| check_topic(topic))?;
        let (table, topic) = (table.to_owned(), topic.map(str::to_owned));
        self.threads.read(move |file| rows::keys(file, &table, topic.as_deref())).await
    }

    async fn get_batch(&self, rows: &[RowName<'_>]) -> Result<Vec<Option<Bytes>>> {
        rows.iter().try_for_each(RowName::check)?;
        let owned: Vec<OwnedRow> = rows.iter().map(|row| OwnedRow::from(*row)).collect();
        self.threads.read(move |file| rows::get_batch(file, &owned)).await
    }

    async fn write_batch(&self, writes: &[Write<'_>]) -> Result<()> {
        writes.iter().try_for_each(Write::check)?;
        let writes: Vec<OwnedWrite> = writes.iter().map(OwnedWrite::from).collect();
        self.threads
            .write(move |file| in_transaction(file, |transaction| rows::write(transaction, &writes)))
            .await
    }

    async fn allocate_unique_key(&self, table: &str) -> Result<u64> {
        check_table(table)?;
        let table = table.to_owned();
        self.threads.write(move |file| rows::allocate(file, &table)).await
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }

    async fn close(&self) -> Result<()> {
        self.threads.end().await;
        Ok(())
    }

    fn posture(&self) -> Vec<Posture> {
        self.threads.posture().into_iter().collect()
    }

    fn status(&self) -> Status {
        self.threads.status()
    }
}

/// Interval of the checks for changes of the file; a check reads its header, in memory.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Reports changes by the file's own counter of commits from connections other than the reader's
/// (<https://www.sqlite.org/pragma.html#pragma_data_version>).
#[async_trait]
impl Watch for SqliteDatabase {
    async fn revision(&self) -> Result<u64> {
        self.threads.read(|file| rows::data_version(file)).await
    }

    async fn changed(&self, seen: u64) -> Result<u64> {
        loop {
            let now = self.revision().await?;
            if now != seen {
                return Ok(now);
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests;
