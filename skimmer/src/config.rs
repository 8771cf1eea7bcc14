use clap::{Args, Subcommand};
use comfy_table::Table;
use pubsub_api::settings::{Settings, sample};
use pubsub_api::{Registry, Result, Role};
use serde_json::{Map, Value, json};
use service_kit::{SettingsArguments, report, tell};
use subscriber_agent::AgentBuilder;

/// The arguments of `skimmer config`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Checks settings as the programs do at their start, without starting anything
    #[command(after_help = "Example: skimmer config check --config /etc/skimmer/skimmer.toml")]
    Check {
        #[command(flatten)]
        settings: SettingsArguments,
    },
    /// Shows every setting with its value and where that came from
    #[command(after_help = "Example: skimmer config show --config skimmer.toml --set linger=2s")]
    Show {
        #[command(flatten)]
        settings: SettingsArguments,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints a settings file with every setting and its documentation
    #[command(after_help = "Example: skimmer config sample > skimmer.toml")]
    Sample,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let registry = Registry::collect()?;
    match &arguments.command {
        Command::Check { settings } => check(&registry, settings),
        Command::Show { settings, json } => show(&registry, settings, *json),
        Command::Sample => {
            tell(sample(&registry.settings()).trim_end());
            Ok(())
        }
    }
}

fn check(registry: &Registry, arguments: &SettingsArguments) -> Result<()> {
    let (settings, warnings) = arguments.load(registry)?;
    for warning in &warnings {
        report(format_args!("warning: {warning}"));
    }
    registry.open(&settings, Role::Network)?;
    // With port 0 nobody but the service knows where it is: an agent is told otherwise.
    if settings.pubsub().publisher_port > 0 {
        AgentBuilder::new(registry, &settings)?;
    }
    if settings.pubsub().pub_sub_use_multiproc {
        registry.open(&settings, Role::Multiproc)?;
        check_socket(registry, &settings)?;
    }
    listen::check_directory(&settings.pubsub().state_dir.join("publisher-service.status"))
        .map_err(|error| error.context("state_dir"))?;
    tell(format!("ok, {} warnings", warnings.len()));
    Ok(())
}

/// Only drivers that join processes use a socket file.
fn check_socket(registry: &Registry, settings: &Settings) -> Result<()> {
    let pubsub = settings.pubsub();
    let driver = registry.find(&pubsub.pub_sub_multiproc_driver, Role::Multiproc)?;
    if !driver.capabilities.across_processes {
        return Ok(());
    }
    listen::check_directory(&pubsub.publisher_multiproc_socket)
        .map_err(|error| error.context("publisher_multiproc_socket"))
}

fn show(registry: &Registry, arguments: &SettingsArguments, as_json: bool) -> Result<()> {
    let (settings, warnings) = arguments.load(registry)?;
    for warning in &warnings {
        report(format_args!("warning: {warning}"));
    }
    if as_json {
        let entries = settings.entries().map(|entry| {
            let shown = json!({ "value": entry.value.to_string(), "origin": entry.origin.to_string() });
            (entry.setting.full_name(), shown)
        });
        tell(Value::Object(entries.collect::<Map<_, _>>()));
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["setting", "value", "from"]);
    for entry in settings.entries() {
        table.add_row([entry.setting.full_name(), entry.value.to_string(), entry.origin.to_string()]);
    }
    tell(&table);
    Ok(())
}

#[cfg(test)]
mod tests {
    use drivers as _;
    use pubsub_api::Registry;
    use pubsub_api::settings::{Settings, Sources, sample};

    #[test]
    fn the_sample_settings_file_documents_every_setting_and_loads() {
        let registry = Registry::collect().unwrap();
        let wanted = sample(&registry.settings());
        assert!(
            wanted == include_str!("../../etc/skimmer.toml"),
            "etc/skimmer.toml is not what the settings say; run: skimmer config sample > etc/skimmer.toml"
        );
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../etc/skimmer.toml");
        let sources = Sources { files: vec![file.into()], ..Sources::default() };
        Settings::load(&sources, &registry.settings()).unwrap();
    }
}
