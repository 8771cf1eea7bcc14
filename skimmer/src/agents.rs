use clap::Args;
use comfy_table::Table;
use delivery::AgentReading;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use serde::{Deserialize, Serialize};
use service_kit::{Query, SettingsArguments, block_on, print_line, printable, query};

/// The program that knows the agents.
const PROGRAM: &str = "publisher-service";

/// The arguments of `skimmer agents`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// What a publisher service knows of its agents.
#[derive(Debug, Serialize, Deserialize)]
struct Agents {
    publisher: String,
    agents: Vec<AgentReading>,
    /// The number of subscribers of each host that do not report; absent if there are too many connections to tell.
    unknown: Option<std::collections::BTreeMap<String, u64>>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let reply = ask(&arguments.settings, &Query::Agents)?;
    if arguments.json {
        print_line(reply.to_string());
        return Ok(());
    }
    let mut known: Agents = read(reply)?;
    known.agents.sort_by(|one, other| {
        (other.lag_seconds, other.lag_events, &one.name).cmp(&(one.lag_seconds, one.lag_events, &other.name))
    });
    print_line(table(&known.agents));
    show_unknown(known.unknown.as_ref());
    Ok(())
}

/// Requests something of the publisher service on this host.
pub(crate) fn ask(settings: &SettingsArguments, query_of_service: &Query) -> Result<serde_json::Value> {
    let registry = Registry::collect()?;
    let (settings, _) = settings.load(&registry)?;
    let asked = query(&settings.pubsub().state_dir, PROGRAM, query_of_service);
    block_on(asked).map_err(|error| match error.kind() {
        ErrorKind::Unavailable => error.context("is the publisher service of this host running"),
        _ => error,
    })
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(reply: serde_json::Value) -> Result<T> {
    let unreadable = |error| {
        Error::new(ErrorKind::Internal, "the publisher service is of another version").with_source(error)
    };
    serde_json::from_value(reply).map_err(unreadable)
}

/// The agents as a table.
pub(crate) fn table(agents: &[AgentReading]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["agent", "address", "version", "state", "lag", "behind for", "reported", "last error"]);
    for agent in agents {
        let state = if agent.is_reporting() { agent.stream.clone() } else { "silent".to_owned() };
        let error = agent.last_error.as_deref().map(printable);
        let age = agent.last_error_age_seconds.map_or(String::new(), |age| format!(" ({age} s ago)"));
        table.add_row([
            printable(&agent.name),
            agent.address.clone(),
            printable(&agent.version),
            printable(&state),
            format!("{} events", agent.lag_events),
            format!("{} s", agent.lag_seconds),
            format!("{} s ago", agent.report_age_seconds),
            error.map_or(String::new(), |error| error + &age),
        ]);
    }
    table
}

/// Prints how many subscribers do not report.
pub(crate) fn show_unknown(unknown: Option<&std::collections::BTreeMap<String, u64>>) {
    let Some(unknown) = unknown else {
        return print_line("unknown: too many connections to tell which subscribers do not report");
    };
    for (host, subscribers) in unknown {
        print_line(format!("unknown: {subscribers} subscribers of {host} do not report"));
    }
}
