use std::io::{Read, stdin};
use std::time::Duration;

use clap::Args;
use data_services::{CallOptions, CallResult, NodeId};
use data_services_program::BusClient;
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Value as Json, json};
use service_kit::print_line;
use settings::parse_duration;

use super::{BusArguments, on_bus, print_json};

/// The arguments of `skimmer dse call`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    bus: BusArguments,

    /// Name or address of the service
    service: String,

    /// Method
    method: String,

    /// Arguments as JSON; `-` reads them from stdin
    #[arg(value_name = "JSON", default_value = "null")]
    arguments: String,

    /// Call the service on this node
    #[arg(long, value_name = "NODE", conflicts_with = "every")]
    node: Option<String>,

    /// Call every service that listens on the address, and print a list of results
    #[arg(long)]
    every: bool,

    /// Longest wait for the result; without it, data_services.call_timeout
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "every")]
    deadline: Option<Duration>,

    /// Print the result as one line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let payload = payload(&arguments.arguments)?;
    let node = arguments.node.clone().map(NodeId::new).transpose()?;
    on_bus(&arguments.bus, async |client| {
        if arguments.every {
            return call_every(client, arguments, payload).await;
        }
        let options = CallOptions { node, deadline: arguments.deadline, ..CallOptions::default() };
        let called =
            client.service().call_with(&arguments.service, &arguments.method, payload, options).await;
        show(&called?, arguments.json)
    })
}

/// Prints the result of every callee, and fails if one of them failed.
async fn call_every(client: &BusClient, arguments: &Arguments, payload: Json) -> Result<()> {
    let results = client.service().call_all(&arguments.service, &arguments.method, payload).await?;
    let failed = results.iter().find_map(|one| Some((one, one.result.as_ref().err()?.clone())));
    let lines: Vec<Json> = results.iter().map(line).collect();
    show(&json!(lines), arguments.json)?;
    match failed {
        None if results.is_empty() => {
            let text = format!("no service listens on {}", arguments.service);
            Err(Error::new(ErrorKind::NotFound, text))
        }
        None => Ok(()),
        Some((one, error)) => {
            Err(Error::from(error).context(format!("service {} on node {}", one.service, one.node)))
        }
    }
}

fn line(one: &CallResult) -> Json {
    match &one.result {
        Ok(result) => json!({"service": one.service, "node": one.node, "result": result}),
        Err(error) => {
            let error = json!({"kind": error.kind().as_str(), "text": error.to_string()});
            json!({"service": one.service, "node": one.node, "error": error})
        }
    }
}

fn show(result: &Json, in_one_line: bool) -> Result<()> {
    if in_one_line {
        return print_json(result);
    }
    print_line(format!("{result:#}"));
    Ok(())
}

fn payload(json: &str) -> Result<Json> {
    let invalid = |what: &str| Error::new(ErrorKind::Invalid, format!("expected JSON arguments: {what}"));
    let mut read = String::new();
    let text = match json {
        "-" => {
            stdin()
                .read_to_string(&mut read)
                .map_err(|error| invalid("cannot read stdin").with_source(error))?;
            &read
        }
        json => json,
    };
    serde_json::from_str(text).map_err(|error| invalid("the input is not JSON").with_source(error))
}
