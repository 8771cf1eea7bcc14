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
    /// Lists the publishers in the directory, and the programs that report that they are alive
    #[command(after_help = "Example: skimmer service list --config skimmer.toml --output jsonl")]
    List {
        /// Output format
        #[arg(long = "output", alias = "format", value_enum, default_value_t = Format::Table)]
        output: Format,
    },

    /// Removes a publisher from the directory and publishes the removal; for a host that is taken out of service
    ///
    /// Stop the service first: a running service writes its row again at the next renewal of its lease. Without this command
    /// the row of a stopped service is removed when its lease expires (publisher_timeout). The event is published like that of
    /// `skimmer pub`, with the settings of this host. To remove the publisher of another host, use --id.
    #[command(after_help = "Example: skimmer service leave --config skimmer.toml --id api-1")]
    Leave(leave::Leave),
}

/// The output format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Table for people
    Table,
    /// One JSON object per line
    #[value(alias = "json")]
    Jsonl,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    arguments.log.start_for_command();
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
