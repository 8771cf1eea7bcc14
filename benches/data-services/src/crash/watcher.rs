use bench_kit::failure;
use clap::Args;
use data_services::{Node, ServiceHandle, TableEvent, TableSubscription};
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::print_line;

use crate::nodes::{join, until};
use crate::orders::Orders;

/// A node that subscribes to the table of the publisher and calls it, and prints at once what it notices.
#[derive(Debug, Args)]
pub(crate) struct Watcher {
    #[arg(long)]
    seed: String,
}

impl Watcher {
    pub(crate) async fn play(self) -> Result<()> {
        let node = join("watcher", 0, Some(&self.seed)).await?;
        let service = node.service("watcher").start().await?;
        until("the publisher", &node, |report| report.services.len() > 1).await?;
        let subscription = service.subscribe("bench", "hosts").await?;
        let call = tokio::spawn(call(service));
        tokio::try_join!(table(subscription), peer(&node))?;
        drop(call);
        Orders::new().end().await?;
        node.leave().await;
        Ok(())
    }
}

fn notice(what: &str) {
    print_line(json!({ "notice": what }));
}

/// Calls a method that never ends.
async fn call(service: ServiceHandle) {
    if service.call("bench", "wait", Value::Null).await.is_err() {
        notice("unavailable");
    }
}

async fn table(mut subscription: TableSubscription) -> Result<()> {
    let mut is_live = false;
    while let Some(event) = subscription.next().await {
        match event {
            TableEvent::Live { .. } if !is_live => {
                is_live = true;
                notice("live");
            }
            TableEvent::Stale { .. } | TableEvent::Gone { .. } if is_live => {
                notice("stale");
                return Ok(());
            }
            _ => {}
        }
    }
    Err(failure("the subscription has ended"))
}

async fn peer(node: &Node) -> Result<()> {
    until("the publisher is down", node, |report| report.peers.iter().all(|peer| peer.state == "down"))
        .await?;
    notice("down");
    Ok(())
}
