use std::io::{BufReader, Read, stdin};
use std::time::Duration;

use clap::Args;
use data_services::{
    CallErrorKind, CallOptions, CallResult, CallStream, CallUpload, Delivery, IdempotencyKey, NodeId, TraceId,
};
use data_services_program::BusClient;
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Value as Json, json};
use service_kit::print_line;
use settings::parse_duration;
use tokio::sync::mpsc;

use super::{BusArguments, on_bus, print_json};
use crate::lines::{Line, Lines};

/// The number of lines of stdin that wait to be sent.
const LINES: usize = 16;

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

    /// With --every: end when this number of services has returned a result, and cancel the other calls
    #[arg(long, value_name = "NUMBER", requires = "every")]
    quorum: Option<usize>,

    /// Longest wait for the result; without it, data_services.call_timeout
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    deadline: Option<Duration>,

    /// Name of the call: a service that ran a call of this name returns its result and does not run it again, until 10 minutes
    /// after its deadline or its own restart
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Repeat the call until there is a result or the deadline: when its service is lost, absent, stopping or overloaded;
    /// without --key, under a random one
    #[arg(long, conflicts_with = "every")]
    retry: bool,

    /// Print each part of the result when it arrives, and then what the method returned: one line of JSON each
    #[arg(long, conflicts_with_all = ["every", "key", "retry"])]
    parts: bool,

    /// Send each line of stdin, a JSON value, as a part of the arguments, to a method that takes parts
    #[arg(long, conflicts_with_all = ["every", "key", "retry", "parts"])]
    upload: bool,

    /// Trace that the call belongs to: 32 hexadecimal digits, or a traceparent. The logs of the callee, the errors of the call and
    /// the changes of tables that a service makes for it have it
    #[arg(long, value_name = "ID")]
    trace: Option<String>,

    /// Print the result as one line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let payload = payload(&arguments.arguments)?;
    let options = options(arguments)?;
    on_bus(&arguments.bus, async |client| {
        let Arguments { service, method, .. } = arguments;
        if arguments.every {
            return call_every(client, arguments, payload, options).await;
        }
        if arguments.parts {
            return print_parts(client.service().call_stream(service, method, payload, options).await?).await;
        }
        let result = match arguments.upload {
            true => {
                upload(client.service().call_with_parts(service, method, payload, options).await?).await?
            }
            false => client.service().call_with(service, method, payload, options).await?,
        };
        show(&result, arguments.json)
    })
}

/// Sends the lines of stdin as parts of the arguments.
async fn upload(mut upload: CallUpload) -> Result<Json> {
    let (sender, mut lines) = mpsc::channel(LINES);
    // A reader of stdin cannot be interrupted: the thread ends with the process.
    std::thread::spawn(move || {
        for line in Lines::new(BufReader::new(stdin())) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        let Line { number, text } = line?;
        if text.trim().is_empty() {
            continue;
        }
        let part: Json = serde_json::from_str(&text).map_err(|error| {
            Error::new(ErrorKind::Invalid, format!("line {number} is not JSON")).with_source(error)
        })?;
        if let Err(error) = upload.send(part).await {
            // A method that has returned has a result.
            return if error.kind() == CallErrorKind::Cancelled {
                Ok(upload.finish().await?)
            } else {
                Err(error.into())
            };
        }
    }
    Ok(upload.finish().await?)
}

fn options(arguments: &Arguments) -> Result<CallOptions> {
    let key = match &arguments.key {
        Some(key) => Some(IdempotencyKey::new(key)?),
        None if arguments.retry => Some(IdempotencyKey::new(format!("{:032x}", fastrand::u128(..)))?),
        None => None,
    };
    let delivery = match key {
        None => Delivery::AtMostOnce,
        Some(key) if arguments.retry => Delivery::Retried(key),
        Some(key) => Delivery::Keyed(key),
    };
    Ok(CallOptions {
        node: arguments.node.clone().map(NodeId::new).transpose()?,
        deadline: arguments.deadline,
        delivery,
        quorum: arguments.quorum,
        trace: arguments.trace.as_deref().map(TraceId::new).transpose()?,
        ..CallOptions::default()
    })
}

/// Prints the parts of a result as they arrive, and the end.
async fn print_parts(mut parts: CallStream) -> Result<()> {
    while let Some(part) = parts.next().await {
        print_json(&json!({"part": part?}))?;
    }
    print_json(&json!({"result": parts.end()}))
}

/// Prints the result of every callee. Without a quorum, it fails if one of them failed; with one, if too few succeeded.
async fn call_every(
    client: &BusClient,
    arguments: &Arguments,
    payload: Json,
    options: CallOptions,
) -> Result<()> {
    let Arguments { service, method, .. } = arguments;
    let results = client.service().call_all_with(service, method, payload, options).await?;
    let is_enough = |quorum: usize| results.iter().filter(|one| one.result.is_ok()).count() >= quorum;
    let lines: Vec<Json> = results.iter().map(line).collect();
    show(&json!(lines), arguments.json)?;
    if arguments.quorum.is_some_and(is_enough) {
        return Ok(());
    }
    match results.iter().find_map(|one| Some((one, one.result.as_ref().err()?.clone()))) {
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
