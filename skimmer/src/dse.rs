mod call;
mod event_lines;
mod lists;
mod rates;
mod status;
mod subscribe;

use std::time::Duration;

use clap::{Args, Subcommand};
use comfy_table::Table;
use data_services_program::BusClient;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use serde::Serialize;
use service_kit::{LogArguments, SettingsArguments, block_on, print_line, printable};
use settings::parse_duration;

/// The arguments of `skimmer dse`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Runs a node with the services of data_services.services_file, until SIGTERM; SIGHUP reads the file again
    #[command(after_help = "Example: skimmer dse run --config skimmer.toml")]
    Run(data_services_program::NodeArguments),

    /// Lists the nodes of the bus
    #[command(after_help = "Example: skimmer dse nodes --config skimmer.toml")]
    Nodes(lists::Arguments),

    /// Lists the services of every node, with their addresses, tables and methods
    #[command(after_help = "Example: skimmer dse services --config skimmer.toml --json")]
    Services(lists::Arguments),

    /// Lists the tables that services publish, with their key columns
    #[command(after_help = "Example: skimmer dse tables --config skimmer.toml")]
    Tables(lists::Arguments),

    /// Prints a table of every service that listens on an address, and then its changes
    #[command(
        after_help = "Examples:\n  skimmer dse subscribe inventory hosts --config skimmer.toml\n  skimmer dse subscribe 'vSphere.*' hosts --count 1 --output table"
    )]
    Subscribe(subscribe::Arguments),

    /// Calls a method of a service and prints the result
    #[command(
        after_help = "Examples:\n  skimmer dse call inventory refresh --config skimmer.toml\n  skimmer dse call store push '{\"table\":\"t\",\"rows\":[[1,2]]}' --key order-7 --retry\n  skimmer dse call 'vSphere.*' status --every --quorum 2"
    )]
    Call(call::Arguments),

    /// Shows rates, queues, gaps, resyncs and round-trip times of the nodes that `skimmer dse run` started
    #[command(after_help = "Example: skimmer dse status --config skimmer.toml --json")]
    Status(status::Arguments),
}

/// The arguments of the commands that join the bus.
#[derive(Debug, Clone, Args)]
struct BusArguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Longest wait for the nodes of the bus
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    timeout: Duration,

    #[command(flatten)]
    log: LogArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::Run(arguments) => data_services_program::run(arguments),
        Command::Nodes(arguments) => lists::nodes(arguments),
        Command::Services(arguments) => lists::services(arguments),
        Command::Tables(arguments) => lists::tables(arguments),
        Command::Subscribe(arguments) => subscribe::run(arguments),
        Command::Call(arguments) => call::run(arguments),
        Command::Status(arguments) => status::run(arguments),
    }
}

/// Joins the bus for `work`, and leaves it.
fn on_bus<T>(arguments: &BusArguments, work: impl AsyncFnOnce(&BusClient) -> Result<T>) -> Result<T> {
    arguments.log.start_for_command();
    let registry = Registry::collect()?;
    let settings = arguments.settings.load_and_warn(&registry)?;
    block_on(async { BusClient::join(&registry, &settings, arguments.timeout).await?.work(work).await })
}

/// Prints a value as one line of JSON.
fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "cannot encode JSON").with_source(error))?;
    print_line(text);
    Ok(())
}

/// Prints a table for people; `nothing` if it has no rows.
fn print_table<const COLUMNS: usize>(header: [&str; COLUMNS], rows: Vec<[String; COLUMNS]>, nothing: &str) {
    if rows.is_empty() {
        print_line(nothing);
        return;
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(header);
    for row in rows {
        table.add_row(row.map(|cell| printable(&cell)));
    }
    print_line(table);
}

/// Whether listings omit what has this name.
fn is_hidden(name: &str) -> bool {
    name.starts_with('_')
}

/// Names in one cell.
fn joined(names: impl IntoIterator<Item = impl ToString>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
