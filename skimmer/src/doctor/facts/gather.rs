use std::time::Duration;

use northbound::PublisherRow;
use operations::Occupancy;
use publisher_client::PublisherClient;
use publisher_service::Addresses;
use pubsub_api::settings::Settings;
use pubsub_api::{HELLO, Incoming, Notice, Registry, Result, Role, SEND_ALL};
use tokio::time::timeout;

use super::publisher_probe::PublisherProbe;
use super::readiness_probe::unmet_checks;
use super::{
    AgentsFact, DatabaseFact, Facts, FolderFact, HostFact, ProgramFact, ProgramState, PublisherFact,
    SettingsFact, SocketFact,
};
use crate::doctor::host_role::HostRole;

/// Finds everything out, each thing within a deadline. It changes nothing: it reads files and rows, connects, and subscribes to
/// topics that carry no rows.
///
/// # Errors
/// As [`SettingsFact::read`].
pub(crate) async fn gather(
    registry: &Registry,
    settings: &Settings,
    asked: Option<HostRole>,
    within: Duration,
) -> Result<Facts> {
    let mut known = SettingsFact::read(registry, settings)?;
    let state_dir = known.state_dir.clone();
    let roles = asked.map_or_else(|| roles(&state_dir), |role| vec![role]);
    let mut programs = Vec::new();
    for name in names(&state_dir, &roles) {
        programs.push(ProgramFact::read(&state_dir, &name, within).await);
    }
    for program in &mut programs {
        note_readiness(program, &known, within).await;
    }
    check_starts(registry, settings, &roles, &programs, &mut known);
    let database = DatabaseFact::read(registry, settings, &known, within).await;
    let named = publishers(&known, &roles, &programs, &database);
    let probe = PublisherProbe { registry, settings, known: &known, within };
    let publishers = if known.is_broker { Vec::new() } else { probe.all(named).await };
    let broker = match known.is_broker {
        true => Some(subscribe(registry, settings, within).await),
        false => None,
    };
    let has_service = roles.contains(&HostRole::Service);
    let worker_socket = match &known.worker_socket {
        Some(path) => Some(SocketFact::read(path, within).await),
        None => None,
    };
    Ok(Facts {
        now: PublisherRow::now(),
        agents: if has_service { AgentsFact::read(&state_dir, within).await } else { None },
        state_dir: FolderFact::read(&state_dir),
        host: HostFact::read(),
        settings: known,
        roles,
        programs,
        worker_socket,
        database,
        publishers,
        broker,
    })
}

/// The roles whose programs have left files in `state_dir`.
fn roles(state_dir: &std::path::Path) -> Vec<HostRole> {
    let has_run = |role: &HostRole| role.traces().iter().any(|trace| state_dir.join(trace).exists());
    HostRole::ALL.iter().copied().filter(has_run).collect()
}

/// The programs of the roles, and those whose sockets are in `state_dir`.
fn names(state_dir: &std::path::Path, roles: &[HostRole]) -> Vec<String> {
    let mut names: Vec<String> = roles.iter().filter_map(|role| role.program()).map(str::to_owned).collect();
    for socket in service_kit::status_sockets(state_dir).unwrap_or_default() {
        names.extend(socket.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    names.dedup();
    names
}

async fn note_readiness(program: &mut ProgramFact, known: &SettingsFact, within: Duration) {
    let endpoint =
        program.document().and_then(|document| document.endpoints.get("operations").cloned().flatten());
    let Some(endpoint) = endpoint else { return };
    let [of_service, of_agent] = &known.token_files;
    let token = if program.name == "publisher-service" { of_service } else { of_agent };
    program.unmet = Some(unmet_checks(&endpoint, token.as_deref(), within).await);
}

/// Makes the checks of a start of each program, as `skimmer config check` does.
fn check_starts(
    registry: &Registry,
    settings: &Settings,
    roles: &[HostRole],
    programs: &[ProgramFact],
    known: &mut SettingsFact,
) {
    for role in roles {
        // One that hangs holds its addresses, too.
        let runs = programs.iter().any(|program| {
            Some(program.name.as_str()) == role.program() && !matches!(program.state, ProgramState::Absent)
        });
        let checked = match (role, runs) {
            (HostRole::Service, true) => {
                publisher_service::check(registry, settings, Addresses::HeldByService)
            }
            (HostRole::Service, false) => publisher_service::check(registry, settings, Addresses::Free),
            (HostRole::Agent, true) => subscriber_agent::check(registry, settings, Occupancy::Held),
            (HostRole::Agent, false) => subscriber_agent::check(registry, settings, Occupancy::Free),
            (HostRole::Worker, _) => {
                PublisherClient::open(settings).and_then(|client| client.check()).map(|()| Vec::new())
            }
        };
        match checked {
            Ok(warnings) => known.warnings.extend(warnings),
            Err(error) => known.refused.push(format!("{}: {error}", role.program().unwrap_or("a worker"))),
        }
    }
}

/// The publishers that this host has to do with: those of `publishers_ips`, for an agent; those of the directory; its own service.
fn publishers(
    known: &SettingsFact,
    roles: &[HostRole],
    programs: &[ProgramFact],
    database: &DatabaseFact,
) -> Vec<PublisherFact> {
    let mut all: Vec<PublisherFact> = Vec::new();
    if roles.contains(&HostRole::Agent) || roles.is_empty() {
        for endpoint in &known.publishers {
            note(&mut all, endpoint, |publisher| publisher.in_settings = true);
        }
    }
    if let DatabaseFact::Read(directory) = database {
        for row in &directory.publishers {
            note(&mut all, &row.uri, |publisher| publisher.listed_as.push(row.id.clone()));
        }
    }
    let service = programs.iter().find(|program| program.name == "publisher-service");
    let bound =
        service.and_then(ProgramFact::document).and_then(|status| status.endpoints.get("network").cloned());
    if let Some(bound) = bound.flatten() {
        note(&mut all, &local(&bound), |publisher| publisher.is_own = true);
    }
    all
}

/// Notes something of the publisher at an endpoint.
fn note(all: &mut Vec<PublisherFact>, endpoint: &str, change: impl FnOnce(&mut PublisherFact)) {
    if let Some(known) = all.iter_mut().find(|known| known.endpoint == endpoint) {
        return change(known);
    }
    let mut new = PublisherFact::at(endpoint);
    change(&mut new);
    all.push(new);
}

/// The address by which this host connects to a listener of its own.
fn local(bound: &str) -> String {
    bound
        .replace("://0.0.0.0:", "://127.0.0.1:")
        .replace("://*:", "://127.0.0.1:")
        .replace("://[::]:", "://[::1]:")
}

/// Subscribes at the broker of the settings.
///
/// # Errors
/// Why it is not subscribed within the time.
async fn subscribe(
    registry: &Registry,
    settings: &Settings,
    within: Duration,
) -> std::result::Result<(), String> {
    let text = |error: pubsub_api::Error| error.to_string();
    let subscriber = registry.open(settings, Role::Network).map_err(text)?.subscriber();
    subscriber.register_topic(HELLO.into()).map_err(text)?;
    subscriber.register_topic(SEND_ALL.mark().into()).map_err(text)?;
    let subscribing = async {
        subscriber.initialize().await?;
        loop {
            if let Incoming::Notice(Notice::Subscribed { .. }) = subscriber.recv().await? {
                return Ok(());
            }
        }
    };
    let subscribed = match timeout(within, subscribing).await {
        Ok(subscribed) => subscribed.map_err(text),
        Err(_) => Err(format!("no subscription was confirmed within {within:?}")),
    };
    let _ = timeout(within, subscriber.close()).await;
    subscribed
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn a_listener_of_all_addresses_is_reached_by_loopback() {
        assert_eq!(local("tcp://0.0.0.0:8866"), "tcp://127.0.0.1:8866");
        assert_eq!(local("tcp://[::]:8866"), "tcp://[::1]:8866");
        assert_eq!(local("tcp://10.0.0.5:8866"), "tcp://10.0.0.5:8866");
    }
}
