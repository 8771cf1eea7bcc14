use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::database::{
    DbApi, Entry, RowName, RowPlace, Watch, Write, check_table, check_topic, check_value,
};
use pubsub_api::{Counter, Error, ErrorKind, Result, Status};

use super::store::Store;
use super::tables::Tables;
use crate::lock::lock;

/// A handle on a [`Store`].
#[derive(Debug)]
pub(super) struct MemoryDatabase {
    name: String,
    stage: Mutex<Stage>,
    calls: Counter,
}

#[derive(Debug)]
enum Stage {
    New,
    Open(Arc<Store>),
    Closed,
}

impl MemoryDatabase {
    pub(super) fn new(name: String) -> Self {
        Self { name, stage: Mutex::new(Stage::New), calls: Counter::new("database_calls") }
    }

    /// Executes one call of the contract, atomically.
    fn call<T>(&self, run: impl FnOnce(MutexGuard<'_, Tables>) -> T) -> Result<T> {
        let store = self.store()?;
        self.calls.add(1);
        Ok(run(store.tables()))
    }

    /// The same for a call that may change something.
    fn change<T>(&self, run: impl FnOnce(MutexGuard<'_, Tables>) -> T) -> Result<T> {
        let store = self.store()?;
        self.calls.add(1);
        let done = run(store.tables());
        store.changed();
        Ok(done)
    }

    fn store(&self) -> Result<Arc<Store>> {
        match &*lock(&self.stage) {
            Stage::Open(store) => Ok(Arc::clone(store)),
            Stage::New => {
                let text =
                    format!("the memory database {:?} is not open yet: call initialize first", self.name);
                Err(Error::new(ErrorKind::Unavailable, text))
            }
            Stage::Closed => Err(self.closed()),
        }
    }

    fn closed(&self) -> Error {
        Error::new(ErrorKind::Closed, format!("the memory database {:?} was closed", self.name))
    }
}

#[async_trait]
impl DbApi for MemoryDatabase {
    async fn initialize(&self) -> Result<()> {
        let mut stage = lock(&self.stage);
        match *stage {
            Stage::New => *stage = Stage::Open(Store::named(&self.name)),
            Stage::Open(_) => {}
            Stage::Closed => return Err(self.closed()),
        }
        Ok(())
    }

    async fn create_table(&self, table: &str) -> Result<()> {
        check_table(table)?;
        self.change(|mut tables| tables.create_table(table))
    }

    async fn delete_table(&self, table: &str) -> Result<()> {
        check_table(table)?;
        self.change(|mut tables| tables.delete_table(table))
    }

    async fn tables(&self) -> Result<Vec<String>> {
        self.call(|tables| tables.names())
    }

    async fn create_key(&self, row: RowName<'_>, value: Bytes, overwrite: bool) -> Result<()> {
        row.check().and_then(|()| check_value(&value))?;
        self.change(|mut tables| tables.create(row, value, overwrite))?
    }

    async fn set_key(&self, row: RowName<'_>, value: Bytes) -> Result<()> {
        row.check().and_then(|()| check_value(&value))?;
        self.change(|mut tables| tables.set(row, value))?
    }

    async fn get_key(&self, row: RowName<'_>) -> Result<Bytes> {
        row.check()?;
        self.call(|tables| tables.get(row))??.ok_or_else(|| row.not_found())
    }

    async fn delete_key(&self, row: RowName<'_>) -> Result<()> {
        row.check()?;
        self.change(|mut tables| tables.delete(row))?
    }

    async fn compare_and_set(
        &self,
        row: RowName<'_>,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
    ) -> Result<bool> {
        row.check().and_then(|()| check_value(new.as_deref().unwrap_or_default()))?;
        self.change(|mut tables| tables.compare_and_set(row, expected, new))
    }

    async fn get_all_entries(&self, table: &str, topic: Option<&str>) -> Result<Vec<Entry>> {
        check_table(table).and_then(|()| check_topic(topic))?;
        self.call(|tables| tables.entries(table, topic))
    }

    async fn get_all_keys(&self, table: &str, topic: Option<&str>) -> Result<Vec<RowPlace>> {
        let entries = self.get_all_entries(table, topic).await?;
        Ok(entries.into_iter().map(|entry| entry.place).collect())
    }

    async fn get_batch(&self, rows: &[RowName<'_>]) -> Result<Vec<Option<Bytes>>> {
        rows.iter().try_for_each(RowName::check)?;
        self.call(|tables| rows.iter().map(|row| tables.get(*row)).collect())?
    }

    async fn write_batch(&self, writes: &[Write<'_>]) -> Result<()> {
        writes.iter().try_for_each(Write::check)?;
        self.change(|mut tables| writes.iter().for_each(|write| tables.write(write)))
    }

    async fn allocate_unique_key(&self, table: &str) -> Result<u64> {
        check_table(table)?;
        self.change(|mut tables| tables.next_unique_key(table))?
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }

    async fn close(&self) -> Result<()> {
        *lock(&self.stage) = Stage::Closed;
        Ok(())
    }

    fn status(&self) -> Status {
        Status { counters: vec![self.calls.read()], ..Status::default() }
    }
}

#[async_trait]
impl Watch for MemoryDatabase {
    async fn revision(&self) -> Result<u64> {
        Ok(*self.store()?.revisions().borrow())
    }

    async fn changed(&self, seen: u64) -> Result<u64> {
        let mut revisions = self.store()?.revisions();
        // The store lives as long as the process.
        let now = revisions.wait_for(|revision| *revision != seen).await.map(|revision| *revision);
        now.map_err(|_| self.closed())
    }
}
