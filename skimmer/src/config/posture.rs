use comfy_table::Table;
use publisher_client::PublisherClient;
use pubsub_api::settings::Settings;
use pubsub_api::{Posture, Registry, Result};
use service_kit::{SettingsArguments, print_line};

use super::program_role::ProgramRole;

/// Prints who can publish, receive and read what, with the settings of a program.
pub(super) fn show_posture(
    registry: &Registry,
    arguments: &SettingsArguments,
    role: ProgramRole,
) -> Result<()> {
    let (settings, _) = arguments.load(registry)?;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for posture in posture(registry, &settings, role)? {
        let Posture { aspect, verdict, state, remedy } = posture;
        let text = remedy.map_or(state.clone(), |remedy| format!("{state}; {remedy}"));
        table.add_row([aspect, &verdict.to_string(), &text]);
    }
    print_line(table);
    Ok(())
}

fn posture(registry: &Registry, settings: &Settings, role: ProgramRole) -> Result<Vec<Posture>> {
    match role {
        ProgramRole::Service => publisher_service::posture(registry, settings),
        ProgramRole::Agent => subscriber_agent::posture(registry, settings),
        ProgramRole::Worker => Ok(PublisherClient::open(settings)?.publisher().posture()),
        ProgramRole::Node => data_services_program::posture(registry, settings),
    }
}
