mod keyring;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, Subcommand};
use comfy_table::Table;
use drivers_zmtp::protocol::curve::{AuthorizedAgent, check_name};
use drivers_zmtp::{read_authorized_file, read_key_file, write_key_file};
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Value, json};
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

    /// Prints the agents of an authorized_agents_file: name, public key, topics, and when the key expires
    ///
    /// The file is read as a publisher reads it: an error names the line that a publisher would not understand.
    #[command(after_help = "Example: skimmer keys list /etc/skimmer/agents")]
    List {
        /// The file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

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
        Command::List { file, json } => list(file, *json)?,
        Command::Show { file } => print_line(read_key_file(file)?.public()),
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a key expires by the clock on the wall")]
fn list(file: &Path, json: bool) -> Result<()> {
    let agents = read_authorized_file(file)?;
    let (agents, now) = (agents.by_name(), SystemTime::now());
    if json {
        print_line(agents.iter().map(|agent| as_json(agent, now)).collect::<Value>());
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(["name", "key", "topics", "expires"]);
    for agent in agents {
        let expires = match (agent.expires_text(), agent.is_expired(now)) {
            (None, _) => "never".to_owned(),
            (Some(time), false) => time,
            (Some(time), true) => format!("{time} (expired)"),
        };
        let topics = topics(agent).map_or("all".to_owned(), |topics| topics.join(" "));
        table.add_row([agent.name.to_string(), agent.key.to_string(), topics, expires]);
    }
    print_line(table);
    Ok(())
}

/// The topics of an agent; `None` if it may receive all.
fn topics(agent: &AuthorizedAgent) -> Option<Vec<String>> {
    Some(agent.rights.members()?.iter().map(ToString::to_string).collect())
}

fn as_json(agent: &AuthorizedAgent, now: SystemTime) -> Value {
    json!({
        "name": agent.name,
        "key": agent.key.to_string(),
        "topics": topics(agent),
        "expires": agent.expires_text(),
        "expired": agent.is_expired(now),
    })
}
