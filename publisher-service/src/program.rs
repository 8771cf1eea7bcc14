use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use operations::{OperationsServer, ReadinessCheck, RunningProgram};
use publisher_service_settings::ServiceSettings;
use pubsub_api::Result;
use serde_json::json;
use service_kit::{
    DrainProgress, Endpoints, LogArguments, ProgramHost, Query, QueryServer, Readiness, SettingsArguments,
    Signal, WriteQueue,
};

use tokio::time::timeout;

use crate::check::{PROGRAM, operations};
use crate::{Addresses, DrainPatience, PublisherService, check};

/// The arguments of `publisher-service`.
#[derive(Debug, Clone, Args)]
pub struct ServiceArguments {
    /// The sources of the settings.
    #[command(flatten)]
    pub settings: SettingsArguments,

    /// Format and level of the log.
    #[command(flatten)]
    pub log: LogArguments,
}

/// The program: starts the log, reads the settings, binds, announces itself, runs until a signal, drains, and returns how
/// it ended.
///
/// # Errors
/// Any error of the start, and [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable) if it could not publish all
/// received events within `service.drain_timeout`.
pub fn run(arguments: &ServiceArguments) -> Result<()> {
    // Before there are threads.
    listen::take_passed_listeners(|listener| Readiness.keep(listener));
    arguments.log.start();
    service_kit::use_all_descriptors();
    service_kit::block_on(serve(arguments))
}

async fn serve(arguments: &ServiceArguments) -> Result<()> {
    let mut host = ProgramHost::new(PROGRAM, &arguments.settings)?;
    Readiness.forget_listeners();
    for warning in check(host.registry(), host.settings(), Addresses::Free)? {
        tracing::warn!(id = "SK0101", "{warning}");
    }
    // It listens before the service is ready, and says so.
    let operations = operations(host.settings())?.as_ref().map(OperationsServer::start).transpose()?;
    let mut service = PublisherService::start(host.registry(), host.settings()).await?;
    for address in listen::close_unclaimed_listeners() {
        tracing::warn!(
            id = "SK0110",
            "closed the listener of {address} that was passed to the service: no setting names this address"
        );
    }
    let endpoints = Endpoints::from([
        ("network".to_owned(), service.network_endpoint()),
        ("ipc".to_owned(), service.ipc_endpoint()),
        ("operations".to_owned(), operations.as_ref().map(|operations| operations.endpoint().to_owned())),
    ]);
    let status = Arc::new(host.serve_status(endpoints, Arc::new(service.status_reader()))?);
    host.watch(service.vital_signs());
    let state_dir = &host.settings().pubsub().state_dir;
    let (reply, drain) = (service.query_reader(), host.drain().clone());
    let reply = move |query: &Query| match query {
        Query::Drain(request) => to_json(&drain.request(*request)),
        query => reply(query),
    };
    let _queries = QueryServer::start(state_dir, PROGRAM, Arc::new(reply))?;
    if let Some(operations) = &operations {
        let (read_checks, drain) = (service.checks_reader(), host.drain().clone());
        let checks = Arc::new(move || {
            let mut checks = read_checks();
            checks.extend(
                drain.has_begun().then(|| ReadinessCheck::failed("running", "it drains, and then stops")),
            );
            checks
        });
        let status = Arc::clone(&status);
        let (read, own_status) = (service.metrics_reader(), host.own_status_reader());
        let parts = Arc::new(move || {
            let mut parts = read();
            parts.insert("program".to_owned(), own_status());
            parts
        });
        let (peers, notices) = (Arc::new(service.peers_reader()), Arc::default());
        operations.publish(RunningProgram { program: PROGRAM, status, parts, checks, peers, notices });
    }
    let output = WriteQueue::stdout();
    announce(&service, &output);

    let write_status = || {
        output.offer_line(&status().to_notice_line());
    };
    let ending = until_stopped(&mut host, &mut service, write_status).await?;
    let patience = match ending {
        Ending::Stop => stop_patience(&host)?,
        Ending::Drain => drain_patience(&host)?,
    };
    let drain = host.drain().clone();
    let drained = service.drain_for(patience, |progress| drain.show(progress)).await;
    drain.end(drained.as_ref().err().map(ToString::to_string)).await;
    write_status();
    finish(&output).await;
    tracing::info!(id = "SK0104", "stopped");
    match (ending, drained) {
        // The operator wants it stopped: after a failure a service manager would start it again.
        (Ending::Drain, Err(error)) => {
            tracing::warn!(id = "SK0106", "drained in part: {error}");
            Ok(())
        }
        (_, drained) => drained,
    }
}

/// Why the program ends.
enum Ending {
    Stop,
    Drain,
}

/// As short as a service manager wants it.
fn stop_patience(host: &ProgramHost) -> Result<DrainPatience> {
    Readiness.stopping();
    tracing::info!(id = "SK0103", "stopping: publishing the events that were received");
    let workers = ServiceSettings::read(host.settings())?.drain_timeout;
    Ok(DrainPatience { workers, agents: Duration::ZERO })
}

/// Not [`Readiness::stopping`], from which systemd counts `TimeoutStopSec`: it did not request this.
fn drain_patience(host: &ProgramHost) -> Result<DrainPatience> {
    let settings = ServiceSettings::read(host.settings())?;
    let requested = host.drain().request_of_client().and_then(|request| request.agents_timeout_ms);
    let agents = requested.map_or(settings.drain_agents_timeout, Duration::from_millis);
    Readiness.status("draining");
    tracing::info!(
        id = "SK0105",
        "draining: no more events of workers are received; agents have {agents:?} to receive what is published"
    );
    Ok(DrainPatience { workers: settings.drain_timeout, agents })
}

/// Handles signals until one stops the program, or the service fails.
async fn until_stopped(
    host: &mut ProgramHost,
    service: &mut PublisherService,
    write_status: impl Fn(),
) -> Result<Ending> {
    loop {
        let signal = tokio::select! {
            signal = host.next() => signal,
            error = service.failed() => return Err(error),
        };
        match signal {
            Signal::Stop => return Ok(Ending::Stop),
            Signal::Drain => return Ok(Ending::Drain),
            Signal::Status => write_status(),
            Signal::Reload => host.reload(|_| Ok(())),
        }
    }
}

fn to_json(progress: &DrainProgress) -> std::result::Result<serde_json::Value, String> {
    serde_json::to_value(progress).map_err(|error| error.to_string())
}

/// The timeout of the last write to stdout. Published events do not pass through stdout.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

async fn finish(output: &WriteQueue) {
    if timeout(OUTPUT_TIMEOUT, output.written()).await.is_err() {
        tracing::warn!(
            id = "SK0111",
            "dropped {} bytes for stdout: the reader does not read",
            output.unwritten()
        );
    }
}

fn announce(service: &PublisherService, output: &WriteQueue) {
    let (network, ipc) = (service.network_endpoint(), service.ipc_endpoint());
    output.offer_line(&json!({ "ready": true, "network": network, "ipc": ipc }).to_string());
    // The driver of a broker may have no endpoint before its first event.
    let to = network.unwrap_or_else(|| "the broker".to_owned());
    let what = ipc.map_or_else(|| "database changes".to_owned(), |ipc| format!("events from {ipc}"));
    let text = format!("{} publishes {what} to {to}", service.publisher_id());
    tracing::info!(id = "SK0102", "{text}");
    Readiness.ready(&text);
}
