//! Nodes that start together, in four processes.

mod members;
mod totals;

use bench_kit::{Scratch, grouped, table};
use pubsub_api::Result;
use serde_json::{Value, json};
use service_kit::report;

pub(crate) use members::Members;
use totals::Totals;

use crate::nodes::free_port;
use crate::options::Arguments;
use crate::player::Player;

/// The number of processes that the nodes share.
const PROCESSES: usize = 4;

pub(crate) async fn measure(arguments: &Arguments) -> Result<Value> {
    let mut all = Vec::new();
    for nodes in &arguments.nodes {
        all.push(start_together(*nodes).await?);
    }
    let rows = all.iter().map(|totals| {
        let kib = |bytes: f64| grouped(bytes / 1024.0, 1);
        vec![
            totals.nodes.to_string(),
            format!("{:.2}", totals.seconds),
            grouped(totals.incomplete(), 0),
            kib(totals.mean("sent")),
            kib(totals.most("sent")),
            kib(totals.mean("received")),
            kib(totals.most("received")),
            grouped(totals.mean("sent") / totals.nodes as f64, 0),
        ]
    });
    let header = [
        "nodes that start together",
        "s until complete",
        "incomplete",
        "KiB sent, mean",
        "most",
        "KiB received, mean",
        "most",
        "bytes sent by a node for each",
    ];
    report(format_args!("{}", table(header, rows, 0)));
    Ok(json!(all.iter().map(Totals::to_json).collect::<Vec<_>>()))
}

async fn start_together(nodes: usize) -> Result<Totals> {
    let folder = Scratch::new("data-services-bench")?;
    let seed_port = free_port()?;
    let mut players = Vec::new();
    for process in 0..PROCESSES {
        let (first, next) = (nodes * process / PROCESSES, nodes * (process + 1) / PROCESSES);
        let numbers = [
            ("first", first),
            ("count", next - first),
            ("total", nodes),
            ("seed-port", usize::from(seed_port)),
        ];
        let named: Vec<_> = numbers.iter().map(|(name, value)| (*name, value.to_string())).collect();
        players.push(Player::start(&format!("members-{process}"), folder.path(), "members", &named)?);
    }
    for player in &mut players {
        player.line("ready").await?;
    }
    for player in &mut players {
        player.order(&json!({"go": true})).await?;
    }
    let mut totals = Totals::new(nodes);
    for player in &mut players {
        totals.add(&player.line("complete").await?)?;
    }
    for player in players {
        player.end().await?;
    }
    Ok(totals)
}
