use std::io::{IsTerminal, stdout};
use std::time::Duration;

use clap::{Args, ValueEnum};
use data_services::{Address, TableEvent, TableSubscription};
use data_services_program::BusClient;
use pubsub_api::{Error, ErrorKind, Result};
use service_kit::{Signal, Signals, WriteQueue, printable_lines};
use settings::parse_duration;
use tokio::time::{Instant, timeout, timeout_at};

use super::event_lines::{json_line, text_lines};
use super::{BusArguments, joined, on_bus};

/// The arguments of `skimmer dse subscribe`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    bus: BusArguments,

    /// Name or address of the services, or a pattern such as `vSphere.*`
    service: String,

    /// Table
    table: String,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    output: Format,

    /// Exit after this number of events
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// Exit after this time; with status 69 if fewer than --count events arrived
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    within: Option<Duration>,

    /// Wait for a publisher, instead of failing if no service publishes the table
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON line per event
    #[value(alias = "json")]
    Jsonl,
    /// One line per row, for people
    Table,
}

/// The default of `--within`, a year: practically never, but it does not overflow a clock.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The longest wait for the reader of stdout after a signal.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    on_bus(&arguments.bus, async |client| {
        if !arguments.wait {
            find_publisher(client, arguments).await?;
        }
        let subscription = client.service().subscribe(&arguments.service, &arguments.table).await?;
        let mut signals = Signals::install()?;
        let output = WriteQueue::stdout();
        let ended = tokio::select! {
            ended = print(subscription, arguments, &output) => ended,
            _ = output.failed() => Ok(()),
            () = stopped(&mut signals) => Ok(()),
        };
        if timeout(OUTPUT_TIMEOUT, output.written()).await.is_err() {
            tracing::warn!(
                id = "SK0111",
                "dropped {} bytes of output: the reader of stdout does not read",
                output.unwritten()
            );
        }
        ended
    })
}

async fn stopped(signals: &mut Signals) {
    while !matches!(signals.next().await, Signal::Stop | Signal::Drain) {}
}

/// Fails if no service listens on the address, or none of them publishes the table.
async fn find_publisher(client: &BusClient, arguments: &Arguments) -> Result<()> {
    let address = Address::new(arguments.service.clone())?;
    let services = client.report().await?.services;
    let listening: Vec<_> = services
        .iter()
        .filter(|one| {
            address.reaches(&(&one.service).into()) || one.addresses.iter().any(|own| address.reaches(own))
        })
        .collect();
    let not_found = |text| Err(Error::new(ErrorKind::NotFound, format!("{text}; --wait waits for one")));
    if listening.is_empty() {
        return not_found(format!("no service listens on {address}"));
    }
    let mut tables: Vec<&str> =
        listening.iter().flat_map(|one| one.tables.iter().map(|(table, _)| table.as_str())).collect();
    tables.sort_unstable();
    tables.dedup();
    if !tables.contains(&arguments.table.as_str()) {
        let known = if tables.is_empty() { "none".to_owned() } else { joined(&tables) };
        return not_found(format!(
            "no service on {address} publishes a table {:?}; known are {known}",
            arguments.table
        ));
    }
    Ok(())
}

/// Prints events until `--count` or `--within`.
async fn print(
    mut subscription: TableSubscription,
    arguments: &Arguments,
    output: &WriteQueue,
) -> Result<()> {
    let deadline = Instant::now() + arguments.within.unwrap_or(NEVER);
    let mut left = arguments.count;
    while left != Some(0) {
        let Ok(event) = timeout_at(deadline, subscription.next()).await else {
            return at_deadline(left);
        };
        let gone = || Error::new(ErrorKind::Unavailable, "the node of this command is no longer on the bus");
        let event = event.ok_or_else(gone)?;
        if !write(output, &event, arguments.output).await {
            return Ok(());
        }
        left = left.map(|left| left - 1);
    }
    Ok(())
}

fn at_deadline(left: Option<u64>) -> Result<()> {
    match left {
        None => Ok(()),
        Some(missing) => {
            let text = format!("--within: {missing} events are missing (--count)");
            Err(Error::new(ErrorKind::Unavailable, text))
        }
    }
}

/// Returns `false` if the reader has gone.
async fn write(output: &WriteQueue, event: &TableEvent, format: Format) -> bool {
    let mut lines = match format {
        Format::Jsonl => json_line(event),
        Format::Table => text_lines(event).join("\n"),
    };
    if lines.is_empty() {
        return true;
    }
    if stdout().is_terminal() {
        lines = printable_lines(&lines);
    }
    lines.push('\n');
    output.put(lines.as_bytes()).await.is_ok()
}
