use std::time::Duration;

use northbound::{PUBLISHER_TABLE, PublisherRow, SERVICE_TABLE, ServiceRow};
use pubsub_api::database::DbApi;
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result};
use tokio::time::timeout;

use super::SettingsFact;

/// The northbound database, as this host reads it.
#[derive(Debug, Clone)]
pub(crate) enum DatabaseFact {
    NotUsed,
    Unavailable(String),
    Read(DirectoryFact),
}

/// The two tables of the directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct DirectoryFact {
    pub(crate) publishers: Vec<PublisherRow>,
    pub(crate) programs: Vec<ServiceRow>,
    /// Rows that cannot be read, each with its reason.
    pub(crate) unreadable: Vec<String>,
}

impl DatabaseFact {
    pub(crate) async fn read(
        registry: &Registry,
        settings: &Settings,
        known: &SettingsFact,
        within: Duration,
    ) -> Self {
        // To open a file that does not exist would make it.
        if let Some(file) = known.database_file.as_ref().filter(|file| !file.exists()) {
            return Self::Unavailable(format!("the file {} does not exist", file.display()));
        }
        let database = match registry.used_database(settings) {
            Ok(Some(database)) => database,
            Ok(None) => return Self::NotUsed,
            Err(error) => return Self::Unavailable(error.to_string()),
        };
        let read = timeout(within, DirectoryFact::read(&*database)).await;
        // A database that does not reply does not delay the end either.
        let _ = timeout(within, database.close()).await;
        match read {
            Ok(Ok(directory)) => Self::Read(directory),
            Ok(Err(error)) => Self::Unavailable(error.to_string()),
            Err(_) => Self::Unavailable(format!("no reply within {within:?}")),
        }
    }
}

impl DirectoryFact {
    async fn read(database: &dyn DbApi) -> Result<Self> {
        database.initialize().await?;
        let mut directory = Self::default();
        for entry in database.get_all_entries(PUBLISHER_TABLE, None).await? {
            match PublisherRow::parse(&entry.value) {
                Ok(row) => directory.publishers.push(row),
                Err(error) => {
                    directory.unreadable.push(format!("{PUBLISHER_TABLE}/{}: {error}", entry.place.key))
                }
            }
        }
        for entry in database.get_all_entries(SERVICE_TABLE, None).await? {
            match ServiceRow::parse(&entry.value) {
                Ok(row) => directory.programs.push(row),
                Err(error) => {
                    directory.unreadable.push(format!("{SERVICE_TABLE}/{}: {error}", entry.place.key))
                }
            }
        }
        Ok(directory)
    }
}
