use std::time::Duration;

use clap::Args;
use data_services::{CallError, CallOptions, NodeId};
use data_services_program::{BusClient, NODE_SERVICE};
use futures_util::future::join_all;
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Value as Json, json};
use service_kit::{print_line, report};
use settings::parse_duration;
use tokio::time::{Instant, sleep};

use super::rates::{changes_per_second, most_behind, topic_rates};
use super::{BusArguments, joined, on_bus, print_json, print_table};

/// The arguments of `skimmer dse status`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    bus: BusArguments,

    /// Show only this node; may be repeated
    #[arg(long = "node", value_name = "NODE")]
    nodes: Vec<String>,

    /// Time over which rates are measured
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    interval: Duration,

    /// Print one JSON array with an object per node
    #[arg(long)]
    json: bool,
}

/// What one node replied.
struct NodeStatus {
    node: NodeId,
    round_trip: Duration,
    report: Json,
    earlier: Json,
    between: Duration,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let (statuses, failed) = on_bus(&arguments.bus, async |client| {
        let nodes = nodes(client, &arguments.nodes).await?;
        let asked = join_all(nodes.into_iter().map(|node| ask_twice(client, node, arguments))).await;
        let (statuses, failed): (Vec<_>, Vec<_>) = asked.into_iter().partition(std::result::Result::is_ok);
        Ok((statuses, failed))
    })?;
    let statuses: Vec<NodeStatus> = statuses.into_iter().filter_map(std::result::Result::ok).collect();
    let failed: Vec<(NodeId, CallError)> = failed.into_iter().filter_map(std::result::Result::err).collect();
    for (node, error) in &failed {
        report(format_args!("warning: node {node} did not report: {error}"));
    }
    if arguments.json {
        print_json(&statuses.iter().map(NodeStatus::to_json).collect::<Vec<_>>())?;
    } else {
        show(&statuses);
    }
    match failed.into_iter().next() {
        None => Ok(()),
        Some((node, error)) => Err(Error::from(error).context(format!("node {node}"))),
    }
}

/// The nodes that can report, by name.
async fn nodes(client: &BusClient, wanted: &[String]) -> Result<Vec<NodeId>> {
    let services = client.report().await?.services;
    let reporting = services.into_iter().filter(|one| one.service.as_str() == NODE_SERVICE);
    let mut nodes: Vec<NodeId> = reporting.map(|one| one.node).collect();
    nodes.sort_unstable();
    if let Some(missing) = wanted.iter().find(|name| !nodes.iter().any(|node| node.as_str() == **name)) {
        let text = format!("no node {missing:?} reports its status; known are {}", joined(&nodes));
        return Err(Error::new(ErrorKind::NotFound, text));
    }
    nodes.retain(|node| wanted.is_empty() || wanted.iter().any(|name| name == node.as_str()));
    Ok(nodes)
}

/// Asks a node twice, so that rates follow.
async fn ask_twice(
    client: &BusClient,
    node: NodeId,
    arguments: &Arguments,
) -> std::result::Result<NodeStatus, (NodeId, CallError)> {
    let began = Instant::now();
    let earlier = ask(client, &node, arguments).await.map_err(|error| (node.clone(), error))?;
    sleep(arguments.interval).await;
    let again = Instant::now();
    let report = ask(client, &node, arguments).await.map_err(|error| (node.clone(), error))?;
    // The second call, because a first one may open connections.
    Ok(NodeStatus { node, round_trip: again.elapsed(), report, earlier, between: again - began })
}

async fn ask(
    client: &BusClient,
    node: &NodeId,
    arguments: &Arguments,
) -> std::result::Result<Json, CallError> {
    let options = CallOptions { deadline: Some(arguments.bus.timeout), ..CallOptions::on(node.clone()) };
    client.service().call_with(NODE_SERVICE, "report", (), options).await
}

impl NodeStatus {
    fn published(&self) -> impl Iterator<Item = (&Json, Option<f64>)> {
        let tables = list(&self.report, "published");
        tables.iter().map(|table| (table, changes_per_second(table, &self.earlier, self.between)))
    }

    fn round_trip_ms(&self) -> f64 {
        (self.round_trip.as_secs_f64() * 100_000.0).round() / 100.0
    }

    fn counter(&self, name: &str) -> u64 {
        let counters = list(&self.report, "counters").iter();
        let value = counters.filter(|one| one.get(0).is_some_and(|of| of == name)).find_map(|one| one.get(1));
        value.and_then(Json::as_u64).unwrap_or_default()
    }

    /// The packets that the node has refused, as in `12 not_sealed, 3 repeated`.
    fn refused_packets(&self) -> String {
        let counters = self.report.get("driver").map(|driver| list(driver, "counters")).unwrap_or_default();
        let refused = counters.iter().filter(|one| one["name"] == "packets_invalid" && one["value"] != 0);
        match joined(refused.map(|one| format!("{} {}", one["value"], text(one, "cause")))) {
            none if none.is_empty() => "0".to_owned(),
            some => some,
        }
    }

    fn to_json(&self) -> Json {
        let rates: Vec<Json> = self
            .published()
            .map(|(table, rate)| {
                json!({
                    "service": table["service"], "table": table["table"], "changes_per_second": rate,
                    "subscribers": list(table, "lags").len(), "behind": most_behind(table)
                })
            })
            .collect();
        let topics = list(&self.report, "topics").iter();
        let topics: Vec<Json> = topics.map(|topic| topic_rates(topic, &self.earlier, self.between)).collect();
        json!({
            "node": self.node, "round_trip_ms": self.round_trip_ms(), "rates": rates, "topics": topics,
            "report": self.report
        })
    }
}

fn list<'a>(report: &'a Json, name: &str) -> &'a [Json] {
    report.get(name).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A field of a report as text.
fn text(object: &Json, name: &str) -> String {
    match &object[name] {
        Json::String(text) => text.clone(),
        Json::Array(names) => joined(names.iter().map(|name| name.as_str().unwrap_or_default())),
        other => other.to_string(),
    }
}

fn show(statuses: &[NodeStatus]) {
    show_nodes(statuses);
    print_line("");
    show_tables(statuses);
    print_line("");
    show_subscriptions(statuses);
}

fn show_nodes(statuses: &[NodeStatus]) {
    let nodes = statuses.iter().map(|status| {
        let peers = list(&status.report, "peers").iter().filter(|peer| peer["state"] == "up").count();
        [
            status.node.to_string(),
            format!("{} ms", status.round_trip_ms()),
            peers.to_string(),
            status.counter("calls_pending").to_string(),
            status.counter("calls_running").to_string(),
            status.counter("table_gaps").to_string(),
            status.counter("table_resyncs").to_string(),
            status.refused_packets(),
        ]
    });
    let header =
        ["node", "round trip", "peers up", "calls made", "calls served", "gaps", "resyncs", "refused"];
    print_table(header, nodes.collect(), "no nodes");
}

fn show_tables(statuses: &[NodeStatus]) {
    let tables = statuses.iter().flat_map(|status| {
        status.published().map(|(table, rate)| {
            [
                status.node.to_string(),
                text(table, "service"),
                text(table, "table"),
                text(table, "rows"),
                rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string()),
                joined(list(table, "lags").iter().map(subscriber)),
            ]
        })
    });
    let header = ["node", "service", "table", "rows", "changes/s", "subscribers"];
    print_table(header, tables.collect(), "no tables");
}

fn show_subscriptions(statuses: &[NodeStatus]) {
    let subscriptions = statuses.iter().flat_map(|status| {
        list(&status.report, "subscriptions").iter().map(|one| {
            [
                status.node.to_string(),
                text(one, "subscriber"),
                text(one, "address"),
                text(one, "table"),
                joined(list(one, "publishers").iter().map(phase)),
                format!("{} of {}", one["waiting"], one["bound"]),
                text(one, "dropped"),
            ]
        })
    });
    let header = ["node", "subscriber", "address", "table", "publishers", "waiting", "dropped"];
    print_table(header, subscriptions.collect(), "no subscriptions");
}

/// A subscriber of a table, as in `node-1 (3 behind)`; without a number if it has everything.
fn subscriber(lag: &Json) -> String {
    let node = text(lag, "node");
    match lag["behind"].as_u64() {
        Some(0) => node,
        Some(behind) => format!("{node} ({behind} behind)"),
        None => format!("{node} (no report yet)"),
    }
}

/// A publisher of a subscription, as in `hosts on node-1: live`.
fn phase(publisher: &Json) -> String {
    let part = |index: usize| publisher[index].as_str().unwrap_or_default();
    format!("{} on {}: {}", part(1), part(0), part(2))
}
