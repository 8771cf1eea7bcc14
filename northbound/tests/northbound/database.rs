use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::database::{DbApi, Entry, RowName, RowPlace, Write};
use pubsub_api::{Error, ErrorKind, Result, Status};

/// A database that can become unavailable, which the memory driver's cannot.
#[derive(Debug)]
pub(crate) struct Interrupted {
    database: Arc<dyn DbApi>,
    is_away: AtomicBool,
    loses_answers: AtomicBool,
}

impl Interrupted {
    pub(crate) fn new(database: &Arc<dyn DbApi>) -> Arc<Self> {
        Arc::new(Self {
            database: Arc::clone(database),
            is_away: AtomicBool::new(false),
            loses_answers: AtomicBool::new(false),
        })
    }

    pub(crate) fn go(&self) {
        self.is_away.store(true, Ordering::Relaxed);
    }

    pub(crate) fn come_back(&self) {
        self.is_away.store(false, Ordering::Relaxed);
    }

    /// From now on creates are executed, but their answers are lost.
    pub(crate) fn lose_answers(&self) {
        self.loses_answers.store(true, Ordering::Relaxed);
    }

    /// The answers arrive again.
    pub(crate) fn keep_answers(&self) {
        self.loses_answers.store(false, Ordering::Relaxed);
    }

    fn there(&self) -> Result<&dyn DbApi> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "unavailable, as the test requires"));
        }
        Ok(&*self.database)
    }
}

#[async_trait]
impl DbApi for Interrupted {
    async fn initialize(&self) -> Result<()> {
        self.there()?.initialize().await
    }

    async fn create_table(&self, table: &str) -> Result<()> {
        self.there()?.create_table(table).await
    }

    async fn delete_table(&self, table: &str) -> Result<()> {
        self.there()?.delete_table(table).await
    }

    async fn tables(&self) -> Result<Vec<String>> {
        self.there()?.tables().await
    }

    async fn create_key(&self, row: RowName<'_>, value: Bytes, overwrite: bool) -> Result<()> {
        self.there()?.create_key(row, value, overwrite).await?;
        if self.loses_answers.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::InDoubt, "the answer is lost, as the test requires"));
        }
        Ok(())
    }

    async fn set_key(&self, row: RowName<'_>, value: Bytes) -> Result<()> {
        self.there()?.set_key(row, value).await
    }

    async fn get_key(&self, row: RowName<'_>) -> Result<Bytes> {
        self.there()?.get_key(row).await
    }

    async fn delete_key(&self, row: RowName<'_>) -> Result<()> {
        self.there()?.delete_key(row).await
    }

    async fn compare_and_set(
        &self,
        row: RowName<'_>,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
    ) -> Result<bool> {
        let is_done = self.there()?.compare_and_set(row, expected, new).await?;
        if expected.is_none() && self.loses_answers.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::InDoubt, "the answer is lost, as the test requires"));
        }
        Ok(is_done)
    }

    async fn get_all_entries(&self, table: &str, topic: Option<&str>) -> Result<Vec<Entry>> {
        self.there()?.get_all_entries(table, topic).await
    }

    async fn get_all_keys(&self, table: &str, topic: Option<&str>) -> Result<Vec<RowPlace>> {
        self.there()?.get_all_keys(table, topic).await
    }

    async fn get_batch(&self, rows: &[RowName<'_>]) -> Result<Vec<Option<Bytes>>> {
        self.there()?.get_batch(rows).await
    }

    async fn write_batch(&self, writes: &[Write<'_>]) -> Result<()> {
        self.there()?.write_batch(writes).await
    }

    async fn allocate_unique_key(&self, table: &str) -> Result<u64> {
        self.there()?.allocate_unique_key(table).await
    }

    async fn close(&self) -> Result<()> {
        self.database.close().await
    }

    fn status(&self) -> Status {
        self.database.status()
    }
}
