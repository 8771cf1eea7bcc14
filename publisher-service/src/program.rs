use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use publisher_service_settings::ServiceSettings;
use pubsub_api::Result;
use serde_json::json;
use service_kit::{Endpoints, Frame, LogArguments, Readiness, SettingsArguments, Signal, WriteQueue};

use tokio::time::timeout;

use crate::check::PROGRAM;
use crate::{Addresses, PublisherService, check};

/// The arguments of `publisher-service`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Where the settings come from.
    #[command(flatten)]
    pub settings: SettingsArguments,

    /// How to log.
    #[command(flatten)]
    pub log: LogArguments,
}

/// The program: log, settings, bind, announce, run until a signal, drain, say how it ended.
///
/// # Errors
/// Whatever keeps it from starting, and [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable) if the grace was too short to drain.
pub fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start();
    service_kit::use_all_descriptors();
    service_kit::block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> Result<()> {
    let mut frame = Frame::new(PROGRAM, &arguments.settings)?;
    for warning in check(frame.registry(), frame.settings(), Addresses::Free)? {
        tracing::warn!("{warning}");
    }
    let mut service = PublisherService::start(frame.registry(), frame.settings()).await?;
    let endpoints = Endpoints::from([
        ("network".to_owned(), service.network_endpoint()),
        ("ipc".to_owned(), service.ipc_endpoint()),
    ]);
    let status = frame.serve_status(endpoints, Arc::new(service.status_reader()))?;
    let output = WriteQueue::stdout();
    announce(&service, &output);

    loop {
        let signal = tokio::select! {
            signal = frame.next() => signal,
            error = service.failed() => return Err(error),
        };
        match signal {
            Signal::Stop => break,
            Signal::Status => drop(output.offer_line(&status().to_notice_line())),
            Signal::Reload => frame.reload(|_| Ok(())),
        }
    }

    Readiness.stopping();
    tracing::info!("draining");
    let drained = service.drain(ServiceSettings::read(frame.settings())?.drain_timeout).await;
    output.offer_line(&status().to_notice_line());
    finish(&output).await;
    tracing::info!("ended");
    drained
}

/// For the last line on stdout; what a service publishes does not pass there.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(1);

async fn finish(output: &WriteQueue) {
    if timeout(OUTPUT_PATIENCE, output.written()).await.is_err() {
        tracing::warn!("{} bytes for stdout were not written: it was not read", output.unwritten());
    }
}

fn announce(service: &PublisherService, output: &WriteQueue) {
    let (network, ipc) = (service.network_endpoint(), service.ipc_endpoint());
    output.offer_line(&json!({ "ready": true, "network": network, "ipc": ipc }).to_string());
    // A broker's driver may connect only when there is something to publish.
    let place = network.unwrap_or_else(|| "the broker".to_owned());
    let what =
        ipc.map_or_else(|| "what is new in the database".to_owned(), |ipc| format!("what comes on {ipc}"));
    let text = format!("{} publishes on {place} {what}", service.publisher_id());
    tracing::info!("{text}");
    Readiness.ready(&text);
}
