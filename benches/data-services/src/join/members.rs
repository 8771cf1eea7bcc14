use std::time::{Duration, Instant};

use bench_kit::cannot;
use clap::Args;
use data_services::{Node, NodeReport};
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::print_line;
use tokio::task::JoinSet;

use crate::nodes::{join, up};
use crate::orders::Orders;

/// Nodes that start together, each with a service. The first of all is the seed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Members {
    /// The number of the first node of this process
    #[arg(long)]
    first: usize,
    #[arg(long)]
    count: usize,
    /// The number of nodes of all processes
    #[arg(long)]
    total: usize,
    #[arg(long)]
    seed_port: u16,
}

/// The time between two looks at whether a node knows all others. A report of 100 nodes costs some 0.1 ms: at shorter times the
/// looks would take a notable part of what is measured.
const LOOK: Duration = Duration::from_millis(200);

/// A node that does not know all others after this time is reported as incomplete.
const LIMIT: Duration = Duration::from_secs(15);

impl Members {
    pub(crate) async fn play(self) -> Result<()> {
        let mut orders = Orders::new();
        print_line(json!({"ready": true}));
        orders.next::<Value>().await?;
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for number in self.first..self.first + self.count {
            tasks.spawn(self.member(number, began));
        }
        let mut members = Vec::new();
        while let Some(member) = tasks.join_next().await {
            members.push(member.map_err(cannot("join"))??);
        }
        members.sort_by_key(|(number, ..)| *number);
        let complete: Vec<&Value> = members.iter().map(|(_, _, figures)| figures).collect();
        print_line(json!({ "complete": complete }));
        orders.end().await?;
        for (_, node, _) in &members {
            node.leave().await;
        }
        Ok(())
    }

    /// Joins, starts a service, and waits until all nodes and services are known.
    async fn member(self, number: usize, began: Instant) -> Result<(usize, Node, Value)> {
        let seed = format!("tcp://127.0.0.1:{}", self.seed_port);
        let port = if number == 0 { self.seed_port } else { 0 };
        let node = join(&format!("node-{number}"), port, Some(&seed)).await?;
        let (service, limit) = (format!("service-{number}"), began + LIMIT);
        node.service(&*service).method("nothing", |_| async { Ok(()) }).start().await?;
        let mut changes = node.registry_changes();
        loop {
            let report = node.report().await?;
            let is_complete = self.is_complete(&report);
            if is_complete || Instant::now() > limit {
                let figures = figures(&report, is_complete, began);
                return Ok((number, node, figures));
            }
            tokio::time::sleep(LOOK).await;
            // At the limit, the last report counts.
            if let Ok(changed) = tokio::time::timeout_at(limit.into(), changes.changed()).await {
                changed?;
            }
        }
    }

    fn is_complete(self, report: &NodeReport) -> bool {
        up(report) + 1 == self.total && report.services.len() == self.total
    }
}

/// What a node has sent and received until now: bytes of the publisher with all that ZMTP adds, and bytes of the events that
/// arrived.
fn figures(report: &NodeReport, is_complete: bool, began: Instant) -> Value {
    let counter = |name| report.driver.counter(name, None);
    json!({
        "incomplete": u8::from(!is_complete),
        "peers": up(report),
        "seconds": began.elapsed().as_secs_f64(),
        "sent": counter("bytes_written"),
        "received": counter("packet_bytes_received"),
        "packets": counter("packets_received"),
    })
}
