use clap::ValueEnum;
use publisher_client::PublisherClient;
use publisher_service::Addresses;
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result, Role};
use service_kit::{SettingsArguments, StatusDocument, block_on, print_line, report, request_status};
use subscriber_agent::AgentBuilder;

/// The program whose start is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckedRole {
    /// `publisher-service`
    Service,
    /// `subscriber-agent`
    Agent,
    /// An API worker, and `skimmer pub`
    Worker,
}

/// Makes the checks that the program makes when it starts, with the same functions. Without a role, only checks that do not
/// depend on the host.
pub(super) fn check(
    registry: &Registry,
    arguments: &SettingsArguments,
    role: Option<CheckedRole>,
) -> Result<()> {
    let (settings, warnings) = arguments.load(registry)?;
    let mut warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    // The warnings so far are useful even if a later check fails.
    warnings.iter().for_each(|warning| report(format_args!("warning: {warning}")));
    let known = warnings.len();
    match role {
        None => check_settings(registry, &settings)?,
        Some(CheckedRole::Service) => warnings.extend(check_service(registry, &settings)?),
        Some(CheckedRole::Agent) => subscriber_agent::check(registry, &settings)?,
        Some(CheckedRole::Worker) => PublisherClient::open(&settings)?.check()?,
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
    // With port 0 the settings do not contain the port of the service, so an agent has other settings.
    if pubsub.publisher_port > 0 {
        AgentBuilder::new(registry, settings)?;
    }
    Ok(())
}

fn check_service(registry: &Registry, settings: &Settings) -> Result<Vec<String>> {
    let Some(running) = running_service(settings) else {
        return publisher_service::check(registry, settings, Addresses::Free);
    };
    let mut warnings = publisher_service::check(registry, settings, Addresses::HeldByService)?;
    warnings.push(format!(
        "{} with pid {} runs in this state_dir; the addresses that it has bound were not checked",
        running.program, running.pid
    ));
    Ok(warnings)
}

/// The status of the service that runs in `state_dir`, if it uses the port of these settings.
fn running_service(settings: &Settings) -> Option<StatusDocument> {
    let pubsub = settings.pubsub();
    let status = block_on(request_status(&pubsub.state_dir.join("publisher-service.status"))).ok()?;
    let port = format!(":{}", pubsub.publisher_port);
    let bound = status.endpoints.get("network").cloned().flatten();
    bound.is_none_or(|bound| bound.ends_with(&port) || pubsub.publisher_port == 0).then_some(status)
}
