use std::io::stdout;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use pubsub_api::{Error, ErrorKind, Result};

use crate::{bench, config, db, demo, drivers_list, publish, service, status, subscribe, swarm};

/// Carries change events from API workers to every node that cares, and counts what it drops.
#[derive(Debug, Parser)]
#[command(name = "skimmer", version, propagate_version = true, after_help = "Example: skimmer demo")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays a recorded day of a cloud through real processes, and checks that nothing is missing
    #[command(after_help = "Example: skimmer demo --agents 5")]
    Demo(demo::Arguments),

    /// Publishes events, as an API worker does
    #[command(
        name = "pub",
        after_help = "Examples:\n  skimmer pub --config skimmer.toml --table lport --key port-1 --action set --value '{\"id\":\"port-1\"}'\n  skimmer pub --config skimmer.toml --jsonl changes.jsonl"
    )]
    Publish(publish::Arguments),

    /// Subscribes and prints what comes
    #[command(
        name = "sub",
        after_help = "Example: skimmer sub --config skimmer.toml --pattern 'tenant-*' --count 10 --timeout 30s"
    )]
    Subscribe(subscribe::Arguments),

    /// Measures throughput and latency through service and subscribers
    #[command(after_help = "Example: skimmer bench --subscribers 10 --json")]
    Bench(bench::Arguments),

    /// Runs many subscribers in one process, and tells how many are live: for trying restarts at scale
    #[command(after_help = "Example: skimmer swarm --config skimmer.toml --agents 1000")]
    Swarm(swarm::Arguments),

    /// Lists the drivers and what each promises
    #[command(after_help = "Example: skimmer drivers --json")]
    Drivers(drivers_list::Arguments),

    /// Checks or shows settings
    #[command(after_help = "Example: skimmer config check --config skimmer.toml")]
    Config(config::Arguments),

    /// Shows counters, queues and peers of what runs on this host
    #[command(after_help = "Example: skimmer status --config skimmer.toml --json")]
    Status(status::Arguments),

    /// Looks into the northbound database, and changes it: what changes is published
    #[command(
        after_help = "Examples:\n  skimmer db ls lport --topic tenant-1\n  skimmer db add lport '{\"id\":\"port-1\",\"topic\":\"tenant-1\"}'"
    )]
    Db(db::Arguments),

    /// Shows who publishes and who is alive, as the northbound database has it
    #[command(
        after_help = "Examples:\n  skimmer service list --config skimmer.toml\n  skimmer service leave --config skimmer.toml --id 5f1c0b5e-2a9d-4c11-8000-0123456789ab"
    )]
    Service(service::Arguments),

    /// Prints shell completions
    #[command(after_help = "Example: skimmer completions bash > /etc/bash_completion.d/skimmer")]
    Completions {
        /// For which shell
        shell: Shell,
    },

    /// Prints the man page, of skimmer or of one command
    #[command(after_help = "Example: skimmer man pub | man -l -")]
    Man {
        /// A command of skimmer
        command: Option<String>,
    },

    /// The publisher service, as the program of that name
    #[command(after_help = "Example: skimmer publisher-service --config skimmer.toml")]
    PublisherService(publisher_service::Arguments),

    /// The subscriber agent, as the program of that name
    #[command(after_help = "Example: skimmer subscriber-agent --config skimmer.toml --topic tenant-1")]
    SubscriberAgent(subscriber_agent::Arguments),
}

impl Cli {
    pub(crate) fn run(&self) -> Result<()> {
        match &self.command {
            Command::Demo(arguments) => demo::run(arguments),
            Command::Publish(arguments) => publish::run(arguments),
            Command::Subscribe(arguments) => subscribe::run(arguments),
            Command::Bench(arguments) => bench::run(arguments),
            Command::Swarm(arguments) => swarm::run(arguments),
            Command::Drivers(arguments) => drivers_list::run(arguments),
            Command::Config(arguments) => config::run(arguments),
            Command::Status(arguments) => status::run(arguments),
            Command::Db(arguments) => db::run(arguments),
            Command::Service(arguments) => service::run(arguments),
            Command::Completions { shell } => {
                clap_complete::generate(*shell, &mut Self::command(), "skimmer", &mut stdout());
                Ok(())
            }
            Command::Man { command } => man(command.as_deref()),
            Command::PublisherService(arguments) => publisher_service::run(arguments),
            Command::SubscriberAgent(arguments) => subscriber_agent::run(arguments),
        }
    }
}

fn man(name: Option<&str>) -> Result<()> {
    let root = Cli::command();
    let command = match name {
        None => root,
        Some(name) => {
            let found = root.find_subcommand(name).cloned().ok_or_else(|| {
                Error::new(
                    ErrorKind::Unsupported,
                    format!("skimmer has no command {name:?}; see skimmer --help"),
                )
            })?;
            let found = found.version(env!("CARGO_PKG_VERSION"));
            found.display_name(format!("skimmer-{name}")).bin_name(format!("skimmer {name}"))
        }
    };
    clap_mangen::Man::new(command)
        .render(&mut stdout())
        .map_err(|error| Error::new(ErrorKind::Unavailable, "cannot write the man page").with_source(error))
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
