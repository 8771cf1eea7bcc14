use std::io::{Read, stdin};

use clap::Subcommand;
use northbound::{Object, Updated};
use pubsub_api::database::{Entry, RowName};
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use service_kit::report;

use super::{Opened, show};

/// What is done with the database. What changes it goes through the façade, and is published.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Command {
    /// Lists the tables
    #[command(after_help = "Example: skimmer db tables --config skimmer.toml")]
    Tables,

    /// Lists the keys of a table
    #[command(after_help = "Example: skimmer db ls lport --topic tenant-1")]
    Ls {
        table: String,
        /// Of this topic only
        #[arg(long)]
        topic: Option<String>,
    },

    /// Prints what a row holds
    #[command(after_help = "Example: skimmer db get lport port-1 --topic tenant-1")]
    Get {
        table: String,
        key: String,
        /// The topic that it is on, if rows of several have this key
        #[arg(long)]
        topic: Option<String>,
    },

    /// Prints the rows of a table, or of all
    #[command(
        after_help = "Examples:\n  skimmer db dump lport\n  skimmer db dump --output jsonl > backup.jsonl"
    )]
    Dump {
        table: Option<String>,
        /// Of this topic only
        #[arg(long)]
        topic: Option<String>,
    },

    /// Creates an object: JSON with its `id`, and maybe its `topic`; `-` reads it from stdin
    #[command(
        after_help = "Examples:\n  skimmer db add lport '{\"id\":\"port-1\",\"topic\":\"tenant-1\"}'\n  skimmer db add lport - < port.json"
    )]
    Add { table: String, json: String },

    /// Changes fields of an object: JSON with those fields; `-` reads it from stdin
    #[command(
        after_help = "Examples:\n  skimmer db update lport port-1 '{\"enabled\":false}'\n  skimmer db update lport port-1 '{\"enabled\":false}' --if-version 3"
    )]
    Update {
        table: String,
        key: String,
        json: String,
        /// The topic that it is on, if rows of several have this key
        #[arg(long)]
        topic: Option<String>,
        /// Only if this is its version
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u64>,
    },

    /// Deletes an object
    #[command(after_help = "Example: skimmer db rm lport port-1 --topic tenant-1")]
    Rm {
        table: String,
        key: String,
        /// The topic that it is on, if rows of several have this key
        #[arg(long)]
        topic: Option<String>,
    },

    /// Deletes all objects of a table, one by one
    #[command(after_help = "Example: skimmer db clean lport")]
    Clean { table: String },

    /// Creates tables
    #[command(after_help = "Example: skimmer db init lport lswitch")]
    Init {
        #[arg(required = true)]
        tables: Vec<String>,
    },
}

impl Command {
    pub(super) async fn run(&self, opened: &Opened) -> Result<()> {
        let Opened { database, northbound, format, .. } = opened;
        match self {
            Self::Tables => show::names(*format, "table", database.tables().await?),
            Self::Ls { table, topic } => {
                show::places(*format, database.get_all_keys(table, topic.as_deref()).await?)
            }
            Self::Get { table, key, topic } => {
                let row = RowName::new(table, key).on(topic.as_deref());
                show::value(*format, &database.get_key(row).await?);
            }
            Self::Dump { table, topic } => dump(opened, table.as_deref(), topic.as_deref()).await?,
            Self::Add { table, json } => {
                let object = Object::new(table, fields(json)?)?;
                return opened.publishing(async { northbound.create(object).await.map(show::object) }).await;
            }
            Self::Update { table, key, json, topic, if_version } => {
                let (row, changes) = (RowName::new(table, key).on(topic.as_deref()), fields(json)?);
                let update = async {
                    match northbound.update(row, &changes, *if_version).await? {
                        Updated::Changed(object) => show::object(object),
                        Updated::Unchanged(_) => report("unchanged"),
                    }
                    Ok(())
                };
                return opened.publishing(update).await;
            }
            Self::Rm { table, key, topic } => {
                let row = RowName::new(table, key).on(topic.as_deref());
                return opened.publishing(async { northbound.delete(row, None).await.map(drop) }).await;
            }
            Self::Clean { table } => return opened.publishing(clean(opened, table)).await,
            Self::Init { tables } => {
                for table in tables {
                    database.create_table(table).await?;
                }
            }
        }
        Ok(())
    }
}

async fn dump(opened: &Opened, table: Option<&str>, topic: Option<&str>) -> Result<()> {
    let tables = match table {
        Some(table) => vec![table.to_owned()],
        None => opened.database.tables().await?,
    };
    for table in tables {
        let mut entries = opened.database.get_all_entries(&table, topic).await?;
        entries.sort_by(|one, other| one.place.cmp(&other.place));
        show::entries(opened.format, &table, entries);
    }
    Ok(())
}

/// Rows that are no objects are deleted, too, without an event: there is nothing to say about them.
async fn clean(opened: &Opened, table: &str) -> Result<()> {
    let mut deleted = 0;
    for Entry { place, .. } in opened.database.get_all_entries(table, None).await? {
        let row = RowName::new(table, &place.key).on(place.topic.as_deref());
        match opened.northbound.delete(row, None).await {
            Ok(_) => deleted += 1,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::Invalid => {
                opened.database.delete_key(row).await?;
                deleted += 1;
            }
            Err(error) => return Err(error),
        }
    }
    report(format_args!("deleted {deleted} rows"));
    Ok(())
}

fn fields(json: &str) -> Result<Map<String, Value>> {
    let wrong = |what: &str| Error::new(ErrorKind::Invalid, format!("wanted one JSON object: {what}"));
    let mut read = String::new();
    let text = match json {
        "-" => {
            stdin()
                .read_to_string(&mut read)
                .map_err(|error| wrong("stdin cannot be read").with_source(error))?;
            &read
        }
        json => json,
    };
    serde_json::from_str(text).map_err(|error| wrong("this is none").with_source(error))
}
