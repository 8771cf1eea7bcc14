use std::path::PathBuf;

use clap::Args;
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result};
use settings::{Sources, Warning};

/// `--config FILE` and `--set name=value`, the same in every command.
#[derive(Debug, Clone, Args)]
pub struct SettingsArguments {
    /// The settings file: TOML, or Dragonflow's own .ini; may be repeated, the later file counts
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Vec<PathBuf>,

    /// Sets one setting, over file and environment: `--set publisher_port=8867`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", global = true)]
    pub sets: Vec<String>,
}

impl SettingsArguments {
    /// Reads the settings, with the environment of this process, for the drivers of `registry`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) with every problem found, a line each.
    pub fn load(&self, registry: &Registry) -> Result<(Settings, Vec<Warning>)> {
        let sources = Sources::from_process(self.config.clone(), self.sets.clone())?;
        all_settings::load(&sources, &registry.settings())
    }

    /// As [`load`](Self::load), with the warnings written to the log.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_and_warn(&self, registry: &Registry) -> Result<Settings> {
        let (settings, warnings) = self.load(registry)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        Ok(settings)
    }

    /// The same choice as arguments for another process.
    #[must_use]
    pub fn to_arguments(&self) -> Vec<String> {
        let config = self.config.iter().flat_map(|file| ["--config".to_owned(), file.display().to_string()]);
        config.chain(self.sets.iter().flat_map(|set| ["--set".to_owned(), set.clone()])).collect()
    }
}
