use std::path::Path;

use bench_kit::ChildProcess;
use publisher_service::PublisherService;
use publisher_service_settings::ServiceSettings;
use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result, Role, Route};
use serde_json::Value;
use service_kit::SettingsArguments;

use super::peer::Peer;

/// The kind of service between pusher and subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ServiceKind {
    /// Our publisher service, in a separate process.
    Process,
    /// Another service, with its command.
    Peer(String),
    /// Our publisher service in this process, for a driver that works within one process only.
    Here,
    /// No service: the pusher binds the network address, or publishes to a broker.
    Absent,
}

impl ServiceKind {
    /// The kind for these settings.
    pub(super) fn of(registry: &Registry, settings: &Settings) -> Result<Self> {
        let pubsub = settings.pubsub();
        let Route::Service(multiproc) = registry.route(settings)? else { return Ok(Self::Absent) };
        let network = registry.find(&pubsub.pub_sub_driver, Role::Network)?;
        let joins = network.capabilities.across_processes && multiproc.capabilities.across_processes;
        Ok(if joins { Self::Process } else { Self::Here })
    }

    /// The description for the report.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Process => "publisher-service".to_owned(),
            Self::Peer(command) => command.clone(),
            Self::Here => "publisher-service, in the bench process".to_owned(),
            Self::Absent => "none: the pusher publishes".to_owned(),
        }
    }
}

/// A running service.
#[derive(Debug)]
pub(super) enum Service {
    Process(ChildProcess),
    Peer(Peer),
    Here(PublisherService),
    Absent,
}

/// The parameters of starting a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) registry: &'a Registry,
    pub(super) settings: &'a Settings,
    /// The arguments for another process with the same settings.
    pub(super) arguments: &'a SettingsArguments,
    /// The folder of its log.
    pub(super) folder: &'a Path,
}

impl Service {
    /// Starts it and returns it with its network address; `None` if the address is that of the pusher.
    pub(super) async fn start(
        kind: &ServiceKind,
        surroundings: Surroundings<'_>,
    ) -> Result<(Self, Option<String>)> {
        let Surroundings { registry, settings, arguments, folder } = surroundings;
        match kind {
            ServiceKind::Absent => Ok((Self::Absent, None)),
            ServiceKind::Here => {
                let service = PublisherService::start(registry, settings).await?;
                let endpoint = service.network_endpoint();
                Ok((Self::Here(service), endpoint))
            }
            ServiceKind::Peer(command) => {
                let socket = &settings.pubsub().publisher_multiproc_socket;
                let (peer, endpoint) = Peer::start(command, socket).await?;
                Ok((Self::Peer(peer), Some(endpoint)))
            }
            ServiceKind::Process => {
                let mut words = vec!["publisher-service".to_owned()];
                words.extend(["--log-level".to_owned(), "warn".to_owned()]);
                words.extend(arguments.to_arguments());
                let mut child = ChildProcess::start_own("publisher-service", folder, &words)?;
                let ready = child.expect_line(|line| line.get("ready") == Some(&Value::Bool(true))).await?;
                let endpoint = ready.get("network").and_then(Value::as_str).map(str::to_owned);
                Ok((Self::Process(child), endpoint))
            }
        }
    }

    /// Its process id, if it is a separate process.
    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Self::Process(child) => child.pid(),
            Self::Peer(peer) => peer.pid(),
            Self::Here(_) | Self::Absent => None,
        }
    }

    /// Drains and stops it.
    pub(super) async fn end(self, settings: &Settings) -> Result<()> {
        match self {
            Self::Process(child) => child.end().await,
            Self::Peer(peer) => peer.end().await,
            Self::Here(service) => service.drain(ServiceSettings::read(settings)?.drain_timeout).await,
            Self::Absent => Ok(()),
        }
    }
}
