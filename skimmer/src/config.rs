use all_settings::sample;
use clap::{Args, Subcommand};
use comfy_table::Table;
use pubsub_api::{Registry, Result};
use serde_json::{Map, Value, json};
use service_kit::{SettingsArguments, print_line, report};
use settings::{ShownSetting, shown_settings};

mod check;
mod posture;
mod program_role;

use check::check;
use posture::show_posture;
use program_role::ProgramRole;

/// The arguments of `skimmer config`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Checks settings like a program that starts, without starting anything
    #[command(
        after_help = "Examples:\n  skimmer config check --config /etc/skimmer/skimmer.toml\n  skimmer config check --config /etc/skimmer/skimmer.toml --for service --security"
    )]
    Check {
        #[command(flatten)]
        settings: SettingsArguments,
        /// Program to check for, including what depends on this host: folders, addresses, ports. Without it these are not checked
        #[arg(long = "for", value_enum, value_name = "ROLE")]
        role: Option<ProgramRole>,
        /// Print who can publish, receive and read what, one line for each aspect, before the result
        #[arg(long, requires = "role")]
        security: bool,
    },
    /// Shows every setting with its value and the source of the value
    #[command(
        after_help = "Examples:\n  skimmer config show --config skimmer.toml --set linger=2s\n  skimmer config show --config skimmer.toml --for node --json"
    )]
    Show {
        #[command(flatten)]
        settings: SettingsArguments,
        /// Program whose settings are shown: its section, `pubsub`, and those of its drivers. Without it all settings are shown
        #[arg(long = "for", value_enum, value_name = "ROLE")]
        role: Option<ProgramRole>,
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
        Command::Check { settings, role, security } => {
            if let Some(role) = role.filter(|_| *security) {
                show_posture(&registry, settings, role)?;
            }
            check(&registry, settings, *role)
        }
        Command::Show { settings, role, json } => show(&registry, settings, *role, *json),
        Command::Sample => {
            print_line(sample(&registry.settings()).trim_end());
            Ok(())
        }
    }
}

fn show(
    registry: &Registry,
    arguments: &SettingsArguments,
    role: Option<ProgramRole>,
    as_json: bool,
) -> Result<()> {
    let (settings, warnings) = arguments.load(registry)?;
    for warning in &warnings {
        report(format_args!("warning: {warning}"));
    }
    let sections = role.map(|role| role.sections(registry, &settings)).transpose()?;
    let shown = shown_settings(&settings)
        .filter(|entry| sections.as_ref().is_none_or(|sections| sections.contains(&entry.setting.section)));
    if as_json {
        print_object(shown)
    } else {
        print_columns(shown)
    }
    Ok(())
}

fn print_object<'a>(shown: impl Iterator<Item = ShownSetting<'a>>) {
    let entries = shown.map(|entry| {
        let origin = entry.origin.to_string();
        (entry.setting.full_name(), json!({ "value": entry.json, "origin": origin }))
    });
    print_line(Value::Object(entries.collect::<Map<_, _>>()));
}

fn print_columns<'a>(shown: impl Iterator<Item = ShownSetting<'a>>) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["setting", "value", "from"]);
    for entry in shown {
        table.add_row([entry.setting.full_name(), entry.value.clone(), entry.origin.to_string()]);
    }
    print_line(&table);
}

#[cfg(test)]
mod tests {
    use drivers as _;
    use pubsub_api::Registry;
    use settings::Sources;

    #[test]
    fn the_sample_settings_file_documents_every_setting_and_loads() {
        let registry = Registry::collect().unwrap();
        let wanted = all_settings::sample(&registry.settings());
        assert!(
            wanted == include_str!("../../etc/skimmer.toml"),
            "etc/skimmer.toml is not up to date; run: skimmer config sample > etc/skimmer.toml"
        );
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../etc/skimmer.toml");
        let sources = Sources { files: vec![file.into()], ..Sources::default() };
        all_settings::load(&sources, &registry.settings()).unwrap();
    }
}
