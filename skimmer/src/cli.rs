use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use laboratory::{bench, demo, swarm};
use pubsub_api::Result;

use crate::{
    agents, config, db, doctor, drain, drivers_list, dse, explain, keys, man, publish, record, replay,
    service, status, subscribe, top, trace,
};

/// Carries change events from API workers to every node that needs them, and reports every loss
#[derive(Debug, Parser)]
#[command(name = "skimmer", version, propagate_version = true, after_help = "Example: skimmer demo")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays a recorded day of a cloud through real processes and checks that no event is missing
    #[command(after_help = "Example: skimmer demo --agents 5")]
    Demo(demo::DemoArguments),

    /// Publishes events, as an API worker does
    #[command(
        name = "pub",
        after_help = "Examples:\n  skimmer pub --config skimmer.toml --table lport --key port-1 --action set --value '{\"id\":\"port-1\"}'\n  skimmer pub --config skimmer.toml --jsonl changes.jsonl"
    )]
    Publish(publish::Arguments),

    /// Subscribes to topics and prints the events
    #[command(
        name = "sub",
        after_help = "Example: skimmer sub --config skimmer.toml --pattern 'tenant-*' --count 10 --timeout 30s"
    )]
    Subscribe(subscribe::Arguments),

    /// Records what a subscriber receives, events and notices with their times, in a file
    #[command(after_help = "Example: skimmer record trouble.mcap --config skimmer.toml --duration 10m")]
    Record(record::Arguments),

    /// Publishes the events of a recording again, or prints them
    #[command(
        after_help = "Examples:\n  skimmer replay trouble.mcap --config skimmer.toml --speed 10\n  skimmer replay trouble.mcap --output jsonl --speed max --table lport"
    )]
    Replay(replay::Arguments),

    /// Measures throughput and latency from pusher to subscribers
    #[command(after_help = "Example: skimmer bench --subscribers 10 --json")]
    Bench(bench::BenchArguments),

    /// Runs many subscribers in one process and prints how many are live, to test restarts at scale
    #[command(after_help = "Example: skimmer swarm --config skimmer.toml --agents 1000")]
    Swarm(swarm::SwarmArguments),

    /// Lists the drivers with their capabilities and limits
    #[command(after_help = "Example: skimmer drivers --json")]
    Drivers(drivers_list::Arguments),

    /// Makes and lists keys: of CURVE, and of sealed events
    #[command(after_help = "Example: skimmer keys new compute-7")]
    Keys(keys::Arguments),

    /// Checks or shows settings
    #[command(after_help = "Example: skimmer config check --config skimmer.toml")]
    Config(config::Arguments),

    /// Shows counters, queues and peers of the programs on this host
    #[command(after_help = "Example: skimmer status --config skimmer.toml --json")]
    Status(status::Arguments),

    /// Checks this host and its peers: settings, sockets, disk, kernel, clocks, publishers, directory; changes nothing
    #[command(
        after_help = "Examples:\n  skimmer doctor --config skimmer.toml\n  skimmer doctor --config skimmer.toml --for agent --json"
    )]
    Doctor(doctor::Arguments),

    /// Shows rates, queues, the slowest agents and losses of the programs on this host, and updates them
    #[command(
        after_help = "Examples:\n  skimmer top --config skimmer.toml\n  skimmer top --config skimmer.toml --once"
    )]
    Top(top::Arguments),

    /// Lists the metrics of the programs, as the page docs/metrics.md
    #[command(after_help = "Example: skimmer metrics > docs/metrics.md")]
    Metrics,

    /// Lists the agents of this host's publisher service, with what each has not applied, and its last error
    #[command(after_help = "Example: skimmer agents --config skimmer.toml --json")]
    Agents(agents::Arguments),

    /// Stops this host's publisher service when every agent has received every acknowledged event
    Drain(drain::Arguments),

    /// Follows one row: in the database, its number at the publisher, and by name the agents that have not applied it
    #[command(after_help = "Example: skimmer trace --config skimmer.toml --table lport --key port-1")]
    Trace(trace::Arguments),

    /// Reads and changes the northbound database; changes of objects are published
    #[command(
        after_help = "Examples:\n  skimmer db ls lport --topic tenant-1\n  skimmer db add lport '{\"id\":\"port-1\",\"topic\":\"tenant-1\"}'"
    )]
    Db(db::Arguments),

    /// Lists the publishers and programs in the northbound database, or removes a publisher
    #[command(
        after_help = "Examples:\n  skimmer service list --config skimmer.toml\n  skimmer service leave --config skimmer.toml --id 5f1c0b5e-2a9d-4c11-8000-0123456789ab"
    )]
    Service(service::Arguments),

    /// Runs a node of the data services engine, and shows the nodes, services and tables of its bus
    #[command(
        after_help = "Examples:\n  skimmer dse run --config skimmer.toml\n  skimmer dse subscribe inventory hosts --config skimmer.toml"
    )]
    Dse(dse::Arguments),

    /// Explains the id of a log line: cause, effect and remedy
    #[command(after_help = "Example: skimmer explain SK0501")]
    Explain(explain::Arguments),

    /// Prints shell completions
    #[command(after_help = "Example: skimmer completions bash > /etc/bash_completion.d/skimmer")]
    Completions {
        /// The shell
        shell: Shell,
    },

    /// Prints the man page of skimmer, of one of its commands, or of one of the two programs
    #[command(
        after_help = "Examples:\n  skimmer man db ls | man -l -\n  skimmer man publisher-service > /usr/local/share/man/man1/publisher-service.1"
    )]
    Man {
        /// The command, and its subcommand if there is one
        command: Vec<String>,
    },

    /// Runs the publisher service, like the program of that name
    #[command(after_help = "Example: skimmer publisher-service --config skimmer.toml")]
    PublisherService(publisher_service::ServiceArguments),

    /// Runs the subscriber agent, like the program of that name
    #[command(after_help = "Example: skimmer subscriber-agent --config skimmer.toml --topic tenant-1")]
    SubscriberAgent(subscriber_agent::AgentArguments),
}

impl Cli {
    pub(crate) fn run(&self) -> Result<()> {
        match &self.command {
            Command::Demo(arguments) => demo::run(arguments),
            Command::Publish(arguments) => publish::run(arguments),
            Command::Subscribe(arguments) => subscribe::run(arguments),
            Command::Record(arguments) => record::run(arguments),
            Command::Replay(arguments) => replay::run(arguments),
            Command::Bench(arguments) => bench::run(arguments),
            Command::Swarm(arguments) => swarm::run(arguments),
            Command::Drivers(arguments) => drivers_list::run(arguments),
            Command::Keys(arguments) => keys::run(arguments),
            Command::Config(arguments) => config::run(arguments),
            Command::Status(arguments) => status::run(arguments),
            Command::Doctor(arguments) => doctor::run(arguments),
            Command::Top(arguments) => top::run(arguments),
            Command::Metrics => {
                service_kit::print_line(operations::metrics_page().trim_end());
                Ok(())
            }
            Command::Agents(arguments) => agents::run(arguments),
            Command::Drain(arguments) => drain::run(arguments),
            Command::Trace(arguments) => trace::run(arguments),
            Command::Db(arguments) => db::run(arguments),
            Command::Service(arguments) => service::run(arguments),
            Command::Dse(arguments) => dse::run(arguments),
            Command::Explain(arguments) => explain::run(arguments),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(*shell, &mut Self::command(), "skimmer", &mut script);
                man::write(&script)
            }
            Command::Man { command } => man::print(Self::command(), command),
            Command::PublisherService(arguments) => publisher_service::run(arguments),
            Command::SubscriberAgent(arguments) => subscriber_agent::run(arguments),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn every_command_has_help_with_an_example() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Example"), "{} has no example", command.get_name());
        }
    }
}
