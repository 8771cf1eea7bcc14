use std::path::PathBuf;

use clap::Args;
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result};
use settings::{Sources, Warning};

/// `--config FILE` and `--set name=value`, the same in every command.
#[derive(Debug, Clone, Args)]
pub struct SettingsArguments {
    /// Settings file: TOML, or a Dragonflow .ini file; may be repeated, later files override earlier ones
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Vec<PathBuf>,

    /// Sets one setting and overrides files and environment: `--set publisher_port=8867`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", global = true)]
    pub sets: Vec<String>,
}

impl SettingsArguments {
    /// Reads the settings from the arguments and the environment of this process, for the drivers of `registry`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) with all problems, one a line.
    pub fn load(&self, registry: &Registry) -> Result<(Settings, Vec<Warning>)> {
        let sources = Sources::from_process(self.config.clone(), self.sets.clone())?;
        all_settings::load(&sources, &registry.settings())
    }

    /// As [`load`](Self::load), and logs the warnings.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_and_warn(&self, registry: &Registry) -> Result<Settings> {
        let (settings, warnings) = self.load(registry)?;
        for warning in warnings {
            tracing::warn!(id = "SK0101", "{warning}");
        }
        Ok(settings)
    }

    /// The same options as command-line arguments for another process.
    ///
    /// ```
    /// use service_kit::SettingsArguments;
    ///
    /// let arguments = SettingsArguments { config: vec!["skimmer.toml".into()], sets: vec!["linger=2s".into()] };
    /// assert_eq!(arguments.to_arguments(), ["--config", "skimmer.toml", "--set", "linger=2s"]);
    /// ```
    #[must_use]
    pub fn to_arguments(&self) -> Vec<String> {
        let config = self.config.iter().flat_map(|file| ["--config".to_owned(), file.display().to_string()]);
        config.chain(self.sets.iter().flat_map(|set| ["--set".to_owned(), set.clone()])).collect()
    }
}
