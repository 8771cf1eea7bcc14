use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use operations::{OperationsServer, RunningProgram};
use publisher_service_settings::ServiceSettings;
use pubsub_api::Result;
use serde_json::json;
use service_kit::{
    Endpoints, LogArguments, ProgramHost, QueryServer, Readiness, SettingsArguments, Signal, WriteQueue,
};

use tokio::time::timeout;

use crate::check::{PROGRAM, operations};
use crate::{Addresses, PublisherService, check};

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
    arguments.log.start();
    service_kit::use_all_descriptors();
    service_kit::block_on(serve(arguments))
}

async fn serve(arguments: &ServiceArguments) -> Result<()> {
    let mut host = ProgramHost::new(PROGRAM, &arguments.settings)?;
    for warning in check(host.registry(), host.settings(), Addresses::Free)? {
        tracing::warn!("{warning}");
    }
    // It listens before the service is ready, and says so.
    let operations = operations(host.settings())?.as_ref().map(OperationsServer::start).transpose()?;
    let mut service = PublisherService::start(host.registry(), host.settings()).await?;
    let endpoints = Endpoints::from([
        ("network".to_owned(), service.network_endpoint()),
        ("ipc".to_owned(), service.ipc_endpoint()),
        ("operations".to_owned(), operations.as_ref().map(|operations| operations.endpoint().to_owned())),
    ]);
    let status = Arc::new(host.serve_status(endpoints, Arc::new(service.status_reader()))?);
    let state_dir = &host.settings().pubsub().state_dir;
    let _queries = QueryServer::start(state_dir, PROGRAM, Arc::new(service.query_reader()))?;
    if let Some(operations) = &operations {
        let checks = Arc::new(service.checks_reader());
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
    until_stopped(&mut host, &mut service, write_status).await?;

    Readiness.stopping();
    tracing::info!("stopping: publishing the events that were received");
    let drained = service.drain(ServiceSettings::read(host.settings())?.drain_timeout).await;
    write_status();
    finish(&output).await;
    tracing::info!("stopped");
    drained
}

/// Handles signals until one stops the program, or the service fails.
async fn until_stopped(
    host: &mut ProgramHost,
    service: &mut PublisherService,
    write_status: impl Fn(),
) -> Result<()> {
    loop {
        let signal = tokio::select! {
            signal = host.next() => signal,
            error = service.failed() => return Err(error),
        };
        match signal {
            Signal::Stop => return Ok(()),
            Signal::Status => write_status(),
            Signal::Reload => host.reload(|_| Ok(())),
        }
    }
}

/// The timeout of the last write to stdout. Published events do not pass through stdout.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

async fn finish(output: &WriteQueue) {
    if timeout(OUTPUT_TIMEOUT, output.written()).await.is_err() {
        tracing::warn!("dropped {} bytes for stdout: the reader does not read", output.unwritten());
    }
}

fn announce(service: &PublisherService, output: &WriteQueue) {
    let (network, ipc) = (service.network_endpoint(), service.ipc_endpoint());
    output.offer_line(&json!({ "ready": true, "network": network, "ipc": ipc }).to_string());
    // The driver of a broker may have no endpoint before its first event.
    let to = network.unwrap_or_else(|| "the broker".to_owned());
    let what = ipc.map_or_else(|| "database changes".to_owned(), |ipc| format!("events from {ipc}"));
    let text = format!("{} publishes {what} to {to}", service.publisher_id());
    tracing::info!("{text}");
    Readiness.ready(&text);
}
