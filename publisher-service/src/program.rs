use std::sync::Arc;

use clap::Args;
use pubsub_api::Result;
use serde_json::json;
use service_kit::{Endpoints, Frame, LogArguments, Readiness, SettingsArguments, Signal, tell};

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
    announce(&service);

    loop {
        let signal = tokio::select! {
            signal = frame.next() => signal,
            error = service.failed() => return Err(error),
        };
        match signal {
            Signal::Stop => break,
            Signal::Status => tell(status().to_notice_line()),
            Signal::Reload => frame.reload(|_| Ok(())),
        }
    }

    Readiness.stopping();
    tracing::info!("draining");
    let drained = service.drain(frame.settings().service().drain_timeout).await;
    tell(status().to_notice_line());
    tracing::info!("ended");
    drained
}

fn announce(service: &PublisherService) {
    let (network, ipc) = (service.network_endpoint(), service.ipc_endpoint());
    tell(json!({ "ready": true, "network": network, "ipc": ipc }));
    // A broker's driver may connect only when there is something to publish.
    let place = network.unwrap_or_else(|| "the broker".to_owned());
    let what =
        ipc.map_or_else(|| "what is new in the database".to_owned(), |ipc| format!("what comes on {ipc}"));
    let text = format!("{} publishes on {place} {what}", service.publisher_id());
    tracing::info!("{text}");
    Readiness.ready(&text);
}
