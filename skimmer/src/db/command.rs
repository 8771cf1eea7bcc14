use std::io::{Read, stdin};

use clap::Subcommand;
use northbound::{Object, Updated};
use pubsub_api::database::{Entry, RowName};
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use service_kit::report;

use super::{Opened, show};

/// The commands. Changes of objects go through [`Northbound`](northbound::Northbound) and are published.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Command {
    /// Lists the tables
    #[command(after_help = "Example: skimmer db tables --config skimmer.toml")]
    Tables,

    /// Lists the keys of a table
    #[command(after_help = "Example: skimmer db ls lport --topic tenant-1")]
    Ls {
        table: String,
        /// List only rows on this topic
        #[arg(long)]
        topic: Option<String>,
    },

    /// Prints the value of a row
    #[command(after_help = "Example: skimmer db get lport port-1 --topic tenant-1")]
    Get {
        table: String,
        key: String,
        /// Topic of the row; needed if rows on several topics have this key
        #[arg(long)]
        topic: Option<String>,
    },

    /// Prints the rows of one table or of all tables
    #[command(
        after_help = "Examples:\n  skimmer db dump lport\n  skimmer db dump --output jsonl > backup.jsonl"
    )]
    Dump {
        table: Option<String>,
        /// List only rows on this topic
        #[arg(long)]
        topic: Option<String>,
    },

    /// Creates an object from JSON with an `id` and an optional `topic`; `-` reads it from stdin
    #[command(
        after_help = "Examples:\n  skimmer db add lport '{\"id\":\"port-1\",\"topic\":\"tenant-1\"}'\n  skimmer db add lport - < port.json"
    )]
    Add { table: String, json: String },

    /// Changes the fields of an object that are in the JSON; `-` reads it from stdin
    #[command(
        after_help = "Examples:\n  skimmer db update lport port-1 '{\"enabled\":false}'\n  skimmer db update lport port-1 '{\"enabled\":false}' --if-version 3"
    )]
    Update {
        table: String,
        key: String,
        json: String,
        /// Topic of the row; needed if rows on several topics have this key
        #[arg(long)]
        topic: Option<String>,
        /// Change the object only if it has this version
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u64>,
    },

    /// Deletes an object
    #[command(after_help = "Example: skimmer db rm lport port-1 --topic tenant-1")]
    Rm {
        table: String,
        key: String,
        /// Topic of the row; needed if rows on several topics have this key
        #[arg(long)]
        topic: Option<String>,
    },

    /// Deletes all rows of a table, one by one
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

/// Rows that are not valid objects are deleted without an event, because no event can be made from them.
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
    let wrong = |what: &str| Error::new(ErrorKind::Invalid, format!("expected one JSON object: {what}"));
    let mut read = String::new();
    let text = match json {
        "-" => {
            stdin()
                .read_to_string(&mut read)
                .map_err(|error| wrong("cannot read stdin").with_source(error))?;
            &read
        }
        json => json,
    };
    serde_json::from_str(text).map_err(|error| wrong("the input is not a JSON object").with_source(error))
}
