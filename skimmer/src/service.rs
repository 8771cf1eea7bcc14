mod leave;
mod list;

use clap::{Args, Subcommand, ValueEnum};
use pubsub_api::{Registry, Result};
use service_kit::{LogArguments, SettingsArguments, block_on};

/// The arguments of `skimmer service`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    #[command(flatten)]
    log: LogArguments,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Lists the publishers of the directory, and the programs that say that they are alive
    #[command(after_help = "Example: skimmer service list --config skimmer.toml --output jsonl")]
    List {
        /// How to print
        #[arg(long = "output", alias = "format", value_enum, default_value_t = Format::Table)]
        output: Format,
    },

    /// Removes a publisher from the directory, and publishes that: for a host that is taken out of service
    ///
    /// Without it the row of a service that has ended is removed when its lease is over (publisher_timeout). A service that
    /// runs on writes its row again at its next renewal: end it. The event goes out by the publisher that the settings
    /// describe, as of `skimmer pub`: with a service, of this host; from another host, name the publisher by its id.
    #[command(after_help = "Example: skimmer service leave --config skimmer.toml --id api-1")]
    Leave(leave::Leave),
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One JSON object a line
    #[value(alias = "json")]
    Jsonl,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start();
    let registry = Registry::collect()?;
    match &arguments.command {
        Command::List { output } => {
            let settings = arguments.settings.load_and_warn(&registry)?;
            block_on(list::list(&registry, &settings, *output))
        }
        Command::Leave(leave) => {
            let mut sources = arguments.settings.clone();
            sources.sets.push(leave.send_timeout());
            let settings = sources.load_and_warn(&registry)?;
            block_on(leave.run(&registry, &settings))
        }
    }
}
