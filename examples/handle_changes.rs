//! A node that handles the changes of each table with its own handler, and keeps the latest event of each row.
//!
//! `cargo run -p examples --example handle_changes -- skimmer.toml`

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pubsub_api::{Registry, Result};
use settings::Sources;
use subscriber_agent::{AgentBuilder, Change, EventFilter, Handler, OnFailure, Output};

/// Applies the changes of one table. The agent calls it for one event at a time, in order.
struct ApplyChanges(&'static str);

#[async_trait]
impl Handler for ApplyChanges {
    async fn handle(&mut self, change: &Change) -> Result<()> {
        println!("{}: {} {}", self.0, change.event.action, change.event.key.as_deref().unwrap_or("-"));
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).map(Into::into);
    let registry = Registry::collect()?;
    let sources = Sources::from_process(file, Vec::new())?;
    let (settings, _warnings) = all_settings::load(&sources, &registry.settings())?;

    let table = |name: &str| EventFilter::Table(name.to_owned());
    let agent = AgentBuilder::new(&registry, &settings)?
        .handler(table("lport"), Box::new(ApplyChanges("ports")))
        .handler_with(table("lrouter"), Box::new(ApplyChanges("routers")), OnFailure::Retry(3))
        .output(Output::stdout(false)) // only notices
        .build();
    agent.start().await?;
    let stopping = Arc::clone(&agent);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopping.stop();
        }
    });
    agent.run().await?;
    agent.drain(Duration::from_secs(10)).await?;
    println!("the table has {} rows", agent.table().len());
    Ok(())
}
