use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::database::{DbApi, Entry, RowName, RowPlace, Write, check_table};
use pubsub_api::{CauseCounter, Error, ErrorKind, Posture, Result, Status};
use tokio::sync::Mutex;

use super::calls::Rows;
use crate::servers::Servers;
use crate::settings::RedisSettings;

/// `redis_nb_db_driver`.
#[derive(Debug)]
pub(super) struct RedisDatabase {
    settings: RedisSettings,
    phase: RwLock<Phase>,
    opening: Mutex<()>,
}

#[derive(Debug, Clone)]
enum Phase {
    New,
    Open(Arc<Rows>),
    Closed,
}

impl RedisDatabase {
    pub(super) fn new(settings: RedisSettings) -> Self {
        Self { settings, phase: RwLock::new(Phase::New), opening: Mutex::new(()) }
    }

    fn phase(&self) -> Phase {
        self.phase.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rows(&self) -> Result<Arc<Rows>> {
        match self.phase() {
            Phase::Open(rows) => Ok(rows),
            Phase::New => {
                Err(Error::new(ErrorKind::Unavailable, "redis_nb_db_driver is not open: initialize it first"))
            }
            Phase::Closed => Err(closed()),
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "redis_nb_db_driver was closed")
}

#[async_trait]
impl DbApi for RedisDatabase {
    async fn initialize(&self) -> Result<()> {
        let _one = self.opening.lock().await;
        match self.phase() {
            Phase::Open(_) => return Ok(()),
            Phase::Closed => return Err(closed()),
            Phase::New => {}
        }
        let servers = Arc::new(Servers::discover(&self.settings).await?);
        let rows = Arc::new(Rows {
            _watch: servers.watch(self.settings.check_interval),
            servers,
            layout: self.settings.key_layout,
            ignored: CauseCounter::new("redis_keys_left_out"),
        });
        let mut phase = self.phase.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*phase, Phase::Closed) {
            return Err(closed());
        }
        *phase = Phase::Open(rows);
        Ok(())
    }

    async fn create_table(&self, table: &str) -> Result<()> {
        self.rows()?;
        // A table exists as long as it has rows.
        check_table(table)
    }

    async fn delete_table(&self, table: &str) -> Result<()> {
        self.rows()?.delete_table(table).await
    }

    async fn tables(&self) -> Result<Vec<String>> {
        self.rows()?.tables().await
    }

    async fn create_key(&self, row: RowName<'_>, value: Bytes, overwrite: bool) -> Result<()> {
        self.rows()?.create(row, &value, overwrite).await
    }

    async fn set_key(&self, row: RowName<'_>, value: Bytes) -> Result<()> {
        self.rows()?.set(row, &value).await
    }

    async fn get_key(&self, row: RowName<'_>) -> Result<Bytes> {
        self.rows()?.get(row).await
    }

    async fn delete_key(&self, row: RowName<'_>) -> Result<()> {
        self.rows()?.delete(row).await
    }

    async fn compare_and_set(
        &self,
        row: RowName<'_>,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
    ) -> Result<bool> {
        self.rows()?.compare_and_set(row, expected, new.as_deref()).await
    }

    async fn get_all_entries(&self, table: &str, topic: Option<&str>) -> Result<Vec<Entry>> {
        self.rows()?.entries(table, topic).await
    }

    async fn get_all_keys(&self, table: &str, topic: Option<&str>) -> Result<Vec<RowPlace>> {
        Ok(self.rows()?.places(table, topic).await?.into_iter().collect())
    }

    async fn get_batch(&self, rows: &[RowName<'_>]) -> Result<Vec<Option<Bytes>>> {
        self.rows()?.get_batch(rows).await
    }

    async fn write_batch(&self, writes: &[Write<'_>]) -> Result<()> {
        self.rows()?.write_batch(writes).await
    }

    async fn allocate_unique_key(&self, table: &str) -> Result<u64> {
        self.rows()?.allocate(table).await
    }

    async fn close(&self) -> Result<()> {
        let before = {
            let mut phase = self.phase.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *phase, Phase::Closed)
        };
        if let Phase::Open(rows) = before {
            rows.servers.close();
        }
        Ok(())
    }

    fn posture(&self) -> Vec<Posture> {
        vec![self.settings.posture("database")]
    }

    fn status(&self) -> Status {
        let Ok(rows) = self.rows() else { return Status::default() };
        let mut status = rows.servers.status();
        status.counters.extend(rows.ignored.read());
        status
    }
}
