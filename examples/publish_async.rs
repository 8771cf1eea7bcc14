//! An API server with an async runtime: many tasks share one publisher.
//!
//! `cargo run -p examples --example publish_async -- skimmer.toml`

use std::sync::Arc;

use publisher_client::PublisherClient;
use pubsub_api::{Action, Event, Registry, Result, SEND_ALL};
use settings::Sources;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).map(Into::into);
    let sources = Sources::from_process(file, Vec::new())?;
    let (settings, _warnings) = all_settings::load(&sources, &Registry::collect()?.settings())?;

    let publisher = Arc::new(PublisherClient::open(&settings)?);
    publisher.initialize().await?;

    let mut requests = JoinSet::new();
    for number in 1..=3 {
        let publisher = Arc::clone(&publisher);
        requests.spawn(async move {
            let (key, value) = (format!("port-{number}"), format!(r#"{{"number":{number}}}"#));
            publisher.send(&Event::new("lport", key, Action::Create, value, SEND_ALL)).await
        });
    }
    for sent in requests.join_all().await {
        sent?;
    }

    publisher.flush().await?; // waits until the publisher service has confirmed the events
    println!("published 3 events");
    publisher.close().await
}
