use std::path::Path;
use std::sync::Arc;

use pubsub_api::Registry;
use pubsub_api::database::{DatabaseDriver, DbApi};
use pubsub_api::settings::{PubSub, Setting};
use settings::Sources;
use tempfile::TempDir;

use super::{DatabasePlace, PlaceKind, SharedCluster};
use crate::Outcome;

/// The resources of one case: the driver under test, an empty database, a folder.
#[derive(Debug)]
pub struct DatabaseFixture {
    driver: &'static DatabaseDriver,
    kind: &'static PlaceKind,
    tables: Vec<&'static [Setting]>,
    place: Box<dyn DatabasePlace>,
    folder: TempDir,
}

impl DatabaseFixture {
    /// A fixture for `driver` at a place of this kind; `shared` is what the cases have in common.
    ///
    /// # Errors
    /// If its folder or the place of the database cannot be created.
    pub fn new(
        registry: &Registry,
        driver: &'static DatabaseDriver,
        kind: &'static PlaceKind,
        shared: &Arc<SharedCluster>,
    ) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("skimmer-").tempdir()?;
        let place = kind.make(folder.path(), shared)?;
        Ok(Self { driver, kind, tables: registry.settings(), place, folder })
    }

    /// A fixture for the same driver with another database, at a place of the same kind.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn elsewhere(&self) -> Outcome<Self> {
        // Not the shared cluster: this fixture may hold it already.
        Self::new(&Registry::collect()?, self.driver, self.kind, &Arc::default())
    }

    /// The folder for the state and, for some drivers, the database.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the driver on the case's database, without initializing it. Every call creates another instance.
    ///
    /// # Errors
    /// The errors of the settings or the driver.
    pub fn open(&self) -> pubsub_api::Result<Arc<dyn DbApi>> {
        let mut sets = vec![format!("state_dir={}", self.folder.path().display())];
        sets.extend(self.place.sets());
        let (settings, _) =
            settings::load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &self.tables)?;
        (self.driver.open)(&settings)
    }

    /// An initialized instance.
    ///
    /// # Errors
    /// If it cannot be initialized.
    pub async fn database(&self) -> Outcome<Arc<dyn DbApi>> {
        let database = self.open()?;
        database.initialize().await?;
        Ok(database)
    }
}
