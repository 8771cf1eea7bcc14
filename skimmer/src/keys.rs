mod keyring;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use drivers_zmtp::protocol::curve::check_name;
use drivers_zmtp::{read_key_file, write_key_file};
use pubsub_api::{Error, ErrorKind, Result};
use service_kit::print_line;

/// The arguments of `skimmer keys`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Makes a key: writes the secret one to NAME.key, mode 0600, and prints the name and the public one
    ///
    /// The printed line is one for authorized_agents_file; the public key alone is what publisher_keys needs. An existing file
    /// is never overwritten.
    #[command(after_help = "Example: skimmer keys new compute-7 --folder /etc/skimmer")]
    New {
        /// The name of the agent or publisher
        name: String,
        /// Where the file is written
        #[arg(long, default_value = ".")]
        folder: PathBuf,
    },

    /// Makes and changes a keyring: the keys of sealed events
    #[command(after_help = "Example: skimmer keys keyring new /etc/skimmer/keyring --id 2026-12")]
    Keyring(keyring::Arguments),

    /// Prints the public key of a file with a secret one
    #[command(after_help = "Example: skimmer keys show /etc/skimmer/compute-7.key")]
    Show {
        /// The file
        file: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::New { name, folder } => {
            check_name(name).map_err(|error| Error::new(ErrorKind::Settings, error))?;
            let public = write_key_file(&folder.join(format!("{name}.key")))?;
            print_line(format!("{name} {public}"));
        }
        Command::Keyring(arguments) => keyring::run(arguments)?,
        Command::Show { file } => print_line(read_key_file(file)?.public()),
    }
    Ok(())
}
