use data_services_settings::DataServicesSettings;
use operations::Occupancy;
use publisher_client::PublisherClient;
use publisher_service::Addresses;
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result, Role};
use service_kit::{SettingsArguments, StatusDocument, block_on, print_line, report, request_status};
use subscriber_agent::AgentBuilder;

use super::program_role::ProgramRole;

/// Makes the checks that the program makes when it starts, with the same functions. Without a role, only checks that do not
/// depend on the host.
pub(super) fn check(
    registry: &Registry,
    arguments: &SettingsArguments,
    role: Option<ProgramRole>,
) -> Result<()> {
    let (settings, warnings) = arguments.load(registry)?;
    let mut warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    // The warnings so far are useful even if a later check fails.
    warnings.iter().for_each(|warning| report(format_args!("warning: {warning}")));
    let known = warnings.len();
    match role {
        None => check_settings(registry, &settings)?,
        Some(ProgramRole::Service) => warnings.extend(check_service(registry, &settings)?),
        Some(ProgramRole::Agent) => warnings.extend(check_agent(registry, &settings)?),
        Some(ProgramRole::Worker) => PublisherClient::open(&settings)?.check()?,
        Some(ProgramRole::Node) => warnings.extend(check_node(registry, &settings)?),
    }
    warnings.iter().skip(known).for_each(|warning| report(format_args!("warning: {warning}")));
    print_line(format!("ok, {} warnings", warnings.len()));
    Ok(())
}

fn check_settings(registry: &Registry, settings: &Settings) -> Result<()> {
    let pubsub = settings.pubsub();
    registry.open(settings, Role::Network)?;
    registry.used_database(settings)?;
    if pubsub.pub_sub_use_multiproc {
        registry.open(settings, Role::Multiproc)?;
    }
    publisher_service::check_names(settings)?;
    subscriber_agent::check_names(settings)?;
    data_services_program::check_options(settings)?;
    // With port 0 the settings do not contain the port of the service, so an agent has other settings.
    if pubsub.publisher_port > 0 {
        AgentBuilder::new(registry, settings)?;
    }
    Ok(())
}

fn check_service(registry: &Registry, settings: &Settings) -> Result<Vec<String>> {
    let Some(running) = running_program(settings, "publisher-service", settings.pubsub().publisher_port)
    else {
        return publisher_service::check(registry, settings, Addresses::Free);
    };
    let mut warnings = publisher_service::check(registry, settings, Addresses::HeldByService)?;
    warnings.push(format!(
        "{} with pid {} runs in this state_dir; the addresses that it has bound were not checked",
        running.program, running.pid
    ));
    Ok(warnings)
}

fn check_agent(registry: &Registry, settings: &Settings) -> Result<Vec<String>> {
    let running = settings.pubsub().state_dir.join("subscriber-agent.status");
    let is_running = block_on(request_status(&running)).is_ok();
    subscriber_agent::check(registry, settings, if is_running { Occupancy::Held } else { Occupancy::Free })
}

fn check_node(registry: &Registry, settings: &Settings) -> Result<Vec<String>> {
    let port = DataServicesSettings::read(settings)?.port;
    let running = running_program(settings, data_services_program::PROGRAM, port);
    data_services_program::check(registry, settings, running.as_ref())
}

/// The status of the program that runs in `state_dir`, if it uses the port of these settings.
fn running_program(settings: &Settings, program: &str, port: u16) -> Option<StatusDocument> {
    let socket = settings.pubsub().state_dir.join(format!("{program}.status"));
    let status = block_on(request_status(&socket)).ok()?;
    let ending = format!(":{port}");
    let bound = status.endpoints.get("network").cloned().flatten();
    bound.is_none_or(|bound| bound.ends_with(&ending) || port == 0).then_some(status)
}
