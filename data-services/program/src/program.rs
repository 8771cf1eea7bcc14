use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use data_services::{Cage, Node, ServiceConfig};
use data_services_settings::DataServicesSettings;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Result, Status};
use serde_json::json;
use service_kit::{Endpoints, LogArguments, ProgramHost, Readiness, SettingsArguments, Signal, WriteQueue};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::timeout;

use crate::check::{PROGRAM, check};
use crate::node_driver::node_driver;
use crate::node_service::serve_report;
use crate::node_settings::node_options;
use crate::node_status::parts;
use crate::refusal::refusal;
use crate::services_file::read_services;

/// The timeout of the last write to stdout.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the reader of a status waits for the node.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// The arguments of `skimmer dse run`.
#[derive(Debug, Clone, Args)]
pub struct NodeArguments {
    /// The sources of the settings.
    #[command(flatten)]
    pub settings: SettingsArguments,

    /// Format and level of the log.
    #[command(flatten)]
    pub log: LogArguments,
}

/// The program: starts the log, reads the settings, joins the bus, starts the services, announces itself, runs until a
/// signal, stops the services, and leaves the bus with a goodbye.
///
/// # Errors
/// [`ErrorKind::Settings`] for invalid settings or services; [`ErrorKind::AlreadyExists`] if another live node of the bus has
/// the same id, at whatever time that is noticed; [`ErrorKind::Unavailable`] if the address is in use, the driver fails, or
/// the services did not stop within `data_services.drain_timeout`.
pub fn run(arguments: &NodeArguments) -> Result<()> {
    arguments.log.start();
    service_kit::use_all_descriptors();
    service_kit::block_on(serve(arguments))
}

async fn serve(arguments: &NodeArguments) -> Result<()> {
    let mut host = ProgramHost::new(PROGRAM, &arguments.settings)?;
    for warning in check(host.registry(), host.settings(), None)? {
        tracing::warn!(id = "SK0101", "{warning}");
    }
    let services = read_services(host.settings())?;
    let node = join(&host).await?;
    let output = WriteQueue::stdout();
    let ended = serve_node(&mut host, &node, services, &output).await;
    node.leave().await;
    if timeout(OUTPUT_TIMEOUT, output.written()).await.is_err() {
        tracing::warn!(
            id = "SK0111",
            "dropped {} bytes for stdout: the reader does not read",
            output.unwritten()
        );
    }
    match ended {
        Ok(()) => tracing::info!(id = "SK0104", "stopped"),
        // The cause, instead of what failed for it.
        Err(error) => return Err(refusal(&node).await.unwrap_or(error)),
    }
    Ok(())
}

async fn join(host: &ProgramHost) -> Result<Node> {
    let settings = host.settings();
    let own = DataServicesSettings::read(settings)?;
    let options = node_options(settings)?;
    let (driver, is_broker) = node_driver(host.registry(), settings, &own.bind_address, own.port)?;
    Node::join_on_own_threads(options, driver, is_broker).await
}

/// Runs the services until a signal, or until the node is no longer on the bus.
async fn serve_node(
    host: &mut ProgramHost,
    node: &Node,
    services: Vec<ServiceConfig>,
    output: &WriteQueue,
) -> Result<()> {
    let report = node.report().await?;
    let endpoints = Endpoints::from([("network".to_owned(), report.endpoint.clone())]);
    let read = node.clone();
    let status = host.serve_status(endpoints, Arc::new(move || read_parts(&read)))?;
    serve_report(node).await?;
    let cage = Cage::start(node.clone()).await?;
    start_services(&cage, services).await?;
    announce(host.settings(), node, report.endpoint, output)?;
    loop {
        match next_signal(host, node).await? {
            Signal::Stop | Signal::Drain => break,
            Signal::Status => drop(output.offer_line(&status().to_notice_line())),
            Signal::Reload => reload(host, &cage).await,
        }
    }
    Readiness.stopping();
    tracing::info!(id = "SK0103", "stopping: the services finish their calls");
    let drained = stop_services(&cage, DataServicesSettings::read(host.settings())?.drain_timeout).await;
    output.offer_line(&status().to_notice_line());
    drained
}

/// Waits for the next signal, as long as the node is on the bus.
async fn next_signal(host: &mut ProgramHost, node: &Node) -> Result<Signal> {
    tokio::select! {
        signal = host.next() => Ok(signal),
        error = node.ended() => {
            Readiness.stopping();
            Err(Error::new(ErrorKind::Unavailable, format!("the node is no longer on the bus: {error}")))
        }
    }
}

/// Starts all services, or none: an error at the start is one of the settings.
async fn start_services(cage: &Cage, services: Vec<ServiceConfig>) -> Result<()> {
    let errors = cage.apply(services).await;
    if errors.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Settings, format!("data_services.services_file: {}", in_one_line(&errors))))
}

async fn reload(host: &mut ProgramHost, cage: &Cage) {
    let mut services = None;
    host.reload(|settings| {
        services = Some(read_services(settings)?);
        Ok(())
    });
    let Some(services) = services else { return };
    // A service may take long to stop.
    let errors = host.beat_during(cage.apply(services)).await;
    if errors.is_empty() {
        tracing::info!(id = "SK1005", services = cage.list().len(), "reloaded the services");
    } else {
        let text = in_one_line(&errors);
        tracing::error!(id = "SK1006", "cannot reload every service; the others run as in the file: {text}");
        host.note_reload(format!("applied, except: {text}"));
    }
}

fn in_one_line(errors: &[Error]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

async fn stop_services(cage: &Cage, within: Duration) -> Result<()> {
    match timeout(within, cage.apply(Vec::new())).await {
        Ok(errors) if errors.is_empty() => Ok(()),
        // A service that had ended by itself has nothing to stop.
        Ok(errors) => {
            tracing::debug!("{}", in_one_line(&errors));
            Ok(())
        }
        Err(_) => {
            let text = format!(
                "a service did not stop within {within:?} (data_services.drain_timeout); its callers receive an error"
            );
            Err(Error::new(ErrorKind::Unavailable, text))
        }
    }
}

/// Reads the status of the node, from a thread of the runtime. Without a reply in time the status is empty.
fn read_parts(node: &Node) -> BTreeMap<String, Status> {
    let report = block_in_place(|| Handle::current().block_on(timeout(REPORT_TIMEOUT, node.report())));
    match report {
        Ok(Ok(report)) => parts(report),
        Ok(Err(_)) | Err(_) => BTreeMap::new(),
    }
}

fn announce(settings: &Settings, node: &Node, endpoint: Option<String>, output: &WriteQueue) -> Result<()> {
    let bus = DataServicesSettings::read(settings)?.bus_id;
    let me = node.instance();
    let line = json!({
        "ready": true, "bus": bus, "node": me.node, "instance": me.instance.to_string(), "network": endpoint
    });
    output.offer_line(&line.to_string());
    let at = endpoint.unwrap_or_else(|| "the broker".to_owned());
    let text = format!("node {} is on the bus {bus} at {at}", me.node);
    tracing::info!(id = "SK0102", "{text}");
    Readiness.ready(&text);
    Ok(())
}
