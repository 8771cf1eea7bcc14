use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use data_services::{KeyColumns, TableId};
use pubsub_api::{Error, ErrorKind, Result};
use tokio::task::spawn_blocking;

use super::folder_options::{FolderOptions, TableFileOptions};
use super::folder_reader::{FolderReader, FoundFiles};
use crate::{DataSource, PolledTables};

/// The files of a folder.
#[derive(Debug)]
pub(super) struct FolderSource {
    options: Arc<FolderOptions>,
    reader: FolderReader,
}

impl FolderSource {
    pub(super) fn new(options: FolderOptions) -> Self {
        Self { options: Arc::new(options), reader: FolderReader::default() }
    }
}

#[async_trait]
impl DataSource for FolderSource {
    async fn tables(&mut self) -> Result<BTreeMap<TableId, KeyColumns>> {
        let options = Arc::clone(&self.options);
        blocking(move || {
            let found = FoundFiles::of(&options.path)?;
            let key =
                |table: &TableId| options.tables.get(table).map(TableFileOptions::key).unwrap_or_default();
            Ok(found.tables.into_keys().map(|table| (table.clone(), key(&table))).collect())
        })
        .await
    }

    async fn poll(&mut self) -> Result<PolledTables> {
        let options = Arc::clone(&self.options);
        // If the task fails, every file is read again.
        let mut reader = std::mem::take(&mut self.reader);
        let (reader, polled) = blocking(move || {
            let polled = reader.poll(&options);
            Ok((reader, polled))
        })
        .await?;
        self.reader = reader;
        polled
    }
}

async fn blocking<T: Send + 'static>(read: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(read).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the task that reads the files failed").with_source(error))
    })
}
