use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use data_services::{KeyColumns, NodeReport, ServiceOffer};
use pubsub_api::Result;
use serde_json::{Value as Json, json};

use super::{BusArguments, is_hidden, joined, on_bus, print_json, print_table};

/// The arguments of the lists.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    bus: BusArguments,

    /// Print one JSON array
    #[arg(long)]
    json: bool,

    /// List hidden nodes and services too, whose names begin with `_`
    #[arg(long)]
    all: bool,
}

/// Returns the report of the node of this command.
fn report(arguments: &Arguments) -> Result<NodeReport> {
    on_bus(&arguments.bus, async |client| client.report().await)
}

pub(super) fn nodes(arguments: &Arguments) -> Result<()> {
    let report = report(arguments)?;
    let mut peers = report.peers;
    peers.retain(|peer| arguments.all || !is_hidden(peer.peer.node.as_str()));
    peers.sort_by(|one, other| (&one.peer.node, one.peer.boot).cmp(&(&other.peer.node, other.peer.boot)));
    let now = now();
    let up_for = |boot| now.saturating_sub(Duration::from_micros(boot)).as_secs();
    if arguments.json {
        let all: Vec<Json> = peers
            .iter()
            .map(|peer| {
                json!({
                    "node": peer.peer.node, "state": peer.state, "instance": peer.peer.instance.to_string(),
                    "uptime_seconds": up_for(peer.peer.boot), "endpoint": peer.endpoint
                })
            })
            .collect();
        return print_json(&all);
    }
    let rows = peers.iter().map(|peer| {
        let uptime = format!("{} s", up_for(peer.peer.boot));
        let endpoint = peer.endpoint.clone().unwrap_or_default();
        [peer.peer.node.to_string(), peer.state.to_owned(), uptime, endpoint]
    });
    print_table(["node", "state", "up for", "endpoint"], rows.collect(), "no nodes");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the start of a node is a time that other hosts read")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The services of other nodes, sorted.
fn others(arguments: &Arguments) -> Result<Vec<ServiceOffer>> {
    let report = report(arguments)?;
    let me = report.node.node;
    let mut services = report.services;
    services.retain(|one| one.node != me && (arguments.all || !one.service.is_hidden()));
    services.sort_by(|one, other| (&one.service, &one.node).cmp(&(&other.service, &other.node)));
    Ok(services)
}

pub(super) fn services(arguments: &Arguments) -> Result<()> {
    let services = others(arguments)?;
    if arguments.json {
        return print_json(&services.iter().map(as_json).collect::<Vec<_>>());
    }
    let rows = services.iter().map(|one| {
        [
            one.service.to_string(),
            one.node.to_string(),
            state(one),
            joined(&one.addresses),
            joined(one.tables.iter().map(|(table, _)| table)),
            joined(&one.methods),
        ]
    });
    let header = ["service", "node", "state", "addresses", "tables", "methods"];
    print_table(header, rows.collect(), "no services");
    Ok(())
}

/// The state of a service, and whether it is on standby.
fn state(one: &ServiceOffer) -> String {
    let state = column(&json!(one.state));
    if one.is_standby { format!("{state}, standby") } else { state }
}

fn as_json(service: &ServiceOffer) -> Json {
    let tables: Vec<_> = service.tables.iter().map(|(table, _)| table).collect();
    json!({
        "service": service.service, "node": service.node, "state": service.state, "standby": service.is_standby,
        "addresses": service.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "tables": tables, "methods": service.methods
    })
}

pub(super) fn tables(arguments: &Arguments) -> Result<()> {
    let services = others(arguments)?;
    let tables = services.iter().flat_map(|one| one.tables.iter().map(move |(table, key)| (one, table, key)));
    if arguments.json {
        let all: Vec<Json> = tables
            .map(|(one, table, key)| {
                json!({"service": one.service, "table": table, "node": one.node, "key": key_json(key)})
            })
            .collect();
        return print_json(&all);
    }
    let rows = tables.map(|(one, table, key)| {
        let key = match key_json(key) {
            Json::Array(columns) => joined(columns.iter().map(column)),
            _ => "the whole row".to_owned(),
        };
        [one.service.to_string(), table.to_string(), one.node.to_string(), key]
    });
    print_table(["service", "table", "node", "key"], rows.collect(), "no tables");
    Ok(())
}

/// The key columns as a list of names or positions; null if the whole row is the key.
fn key_json(key: &KeyColumns) -> Json {
    match key {
        KeyColumns::Row => Json::Null,
        KeyColumns::Fields(names) => json!(names),
        KeyColumns::Positions(positions) => json!(positions),
    }
}

/// A text without its quotes, or a number.
fn column(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
