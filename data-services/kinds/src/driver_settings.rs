use std::path::PathBuf;
use std::sync::Arc;

use data_services_settings::DataServicesSettings;
use pubsub_api::database::DbApi;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, PubSubApi, Registry, Result, Role};
use sealing::PacketSealing;
use serde::Deserialize;
use settings::Sources;

/// The options of a service that opens a driver of its own: settings of Skimmer, apart from those of its program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DriverSettings {
    /// A settings file.
    file: Option<PathBuf>,
    /// Settings as `name=value`, which count more than the file.
    set: Vec<String>,
}

impl DriverSettings {
    /// Creates the database driver that the settings name. It is not initialized.
    pub(crate) fn database(&self) -> Result<Arc<dyn DbApi>> {
        let (registry, settings) = self.load()?;
        registry.open_database(&settings.pubsub().nb_db_class, &settings)
    }

    /// Creates the network driver that the settings name, and returns whether it uses a broker. It is not initialized.
    pub(crate) fn network(&self) -> Result<(Arc<dyn PubSubApi>, bool)> {
        let (registry, settings) = self.load()?;
        let driver = registry.find(&settings.pubsub().pub_sub_driver, Role::Network)?;
        Ok((registry.open(&settings, Role::Network)?, driver.capabilities.broker))
    }

    /// How packets on the bus of these settings are sealed.
    pub(crate) fn sealing(&self) -> Result<Option<PacketSealing>> {
        let (_, settings) = self.load()?;
        DataServicesSettings::read(&settings)?.sealing()
    }

    fn load(&self) -> Result<(Registry, Settings)> {
        let registry = Registry::collect()?;
        let sources = Sources {
            files: self.file.iter().cloned().collect(),
            sets: self.set.clone(),
            ..Sources::default()
        };
        let loaded = all_settings::load(&sources, &registry.settings());
        let refused =
            |error: Error| Error::new(ErrorKind::Settings, format!("the option `settings`: {error}"));
        let (settings, warnings) = loaded.map_err(refused)?;
        for warning in warnings {
            tracing::warn!(id = "SK0101", "the option `settings`: {warning}");
        }
        Ok((registry, settings))
    }
}
