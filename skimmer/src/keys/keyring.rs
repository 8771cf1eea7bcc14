use std::path::PathBuf;

use clap::{Args, Subcommand};
use pubsub_api::Result;
use sealing::keyring_lines;
use service_kit::print_line;

/// The arguments of `skimmer keys keyring`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Makes a keyring of mode 0600 with one key, which is used, and a secret for `sealing.events = "row"`
    ///
    /// An existing file is never overwritten. No command prints a key.
    #[command(after_help = "Example: skimmer keys keyring new /etc/skimmer/keyring --id 2026-12")]
    New(OneKey),

    /// Adds a key, with which events can be opened: the first step of a rotation, on every host
    #[command(after_help = "Example: skimmer keys keyring add /etc/skimmer/keyring --id 2027-01")]
    Add(OneKey),

    /// Marks the key with which publishers seal: the second step of a rotation, once every host has the key
    #[command(
        name = "use",
        after_help = "Example: skimmer keys keyring use /etc/skimmer/keyring --id 2027-01"
    )]
    Use(OneKey),

    /// Removes a key that is not used: nothing that was sealed with it can be opened any more, in replays and snapshots either
    #[command(after_help = "Example: skimmer keys keyring remove /etc/skimmer/keyring --id 2026-12")]
    Remove(OneKey),

    /// Prints the ids of the keys, with `use` after the one that is used
    #[command(after_help = "Example: skimmer keys keyring show /etc/skimmer/keyring")]
    Show {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Clone, Args)]
struct OneKey {
    /// The file
    file: PathBuf,
    /// The id of the key: at most 31 letters, digits, `.`, `_` and `-`
    #[arg(long)]
    id: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::New(OneKey { file, id }) => keyring_lines::create(file, id),
        Command::Add(OneKey { file, id }) => keyring_lines::add(file, id),
        Command::Use(OneKey { file, id }) => keyring_lines::mark_used(file, id),
        Command::Remove(OneKey { file, id }) => keyring_lines::remove(file, id),
        Command::Show { file } => {
            for (id, is_used) in keyring_lines::ids(file)? {
                print_line(if is_used { format!("{id} use") } else { id });
            }
            Ok(())
        }
    }
}
