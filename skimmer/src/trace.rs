use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use delivery::RowReading;
use northbound::PublisherRow;
use pubsub_api::database::RowName;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Registry, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::{Query, SettingsArguments, block_on, print_line, printable};

use crate::agents::{ask, read, show_unknown, table};

/// The arguments of `skimmer trace`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: SettingsArguments,

    /// Table of the row
    #[arg(long)]
    table: String,

    /// Key of the row
    #[arg(long)]
    key: String,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// What a publisher service knows of a row.
#[derive(Debug, Serialize, Deserialize)]
struct Traced {
    publisher: String,
    /// Its latest event on each topic.
    topics: Vec<RowReading>,
    unknown: Option<BTreeMap<String, u64>>,
}

/// Whether a row is in the northbound database.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum InDatabase {
    Found,
    Absent,
    NotUsed,
    Unavailable(String),
}

impl InDatabase {
    fn in_words(&self) -> String {
        match self {
            Self::Found => "has the row".to_owned(),
            Self::Absent => "does not have the row".to_owned(),
            Self::NotUsed => "not used (use_nb_db)".to_owned(),
            Self::Unavailable(reason) => format!("cannot be read: {}", printable(reason)),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { settings, table, key, json } = arguments;
    let query = Query::Row { table: table.clone(), key: key.clone() };
    let traced: Traced = read(ask(settings, &query)?)?;
    let database = match block_on(in_database(settings, RowName::new(table, key))) {
        Ok(database) => database,
        Err(error) => InDatabase::Unavailable(error.to_string()),
    };
    if *json {
        let Traced { publisher, topics, unknown } = traced;
        let document =
            json!({ "publisher": publisher, "database": database, "topics": topics, "unknown": unknown });
        print_line(document.to_string());
        return Ok(());
    }
    print_line(format!("database: {}", database.in_words()));
    show(&traced)
}

/// Whether the row is in the northbound database.
async fn in_database(settings: &SettingsArguments, name: RowName<'_>) -> Result<InDatabase> {
    let registry = Registry::collect()?;
    let (settings, _): (Settings, _) = settings.load(&registry)?;
    let Some(database) = registry.used_database(&settings)? else {
        return Ok(InDatabase::NotUsed);
    };
    database.initialize().await?;
    let found = database.get_batch(&[name]).await;
    let closed = database.close().await;
    let found = found?.pop().flatten();
    closed?;
    Ok(if found.is_some() { InDatabase::Found } else { InDatabase::Absent })
}

fn show(traced: &Traced) -> Result<()> {
    print_line(format!("publisher: {}", printable(&traced.publisher)));
    if traced.topics.is_empty() {
        let text = "the publisher keeps no event of this row: it was not published since the topic's sequences began, its topic has \
                    no snapshots (`skimmer status`), or the names of rows are sealed";
        return Err(Error::new(ErrorKind::NotFound, text));
    }
    for row in &traced.topics {
        // The service and this command have one clock.
        let age = PublisherRow::now().saturating_sub(Duration::from_micros(row.time_us));
        print_line(format!(
            "topic {}: {} is number {} of epoch {}, {:.1} s ago",
            printable(&row.topic),
            printable(&row.action),
            row.sequence,
            row.epoch,
            age.as_secs_f64()
        ));
        print_line(format!("  applied by {} agents that report the topic", row.applied.len()));
        if !row.not_applied.is_empty() {
            print_line(format!("  not applied by {}:", row.not_applied.len()));
            print_line(table(&row.not_applied));
        }
    }
    show_unknown(traced.unknown.as_ref());
    Ok(())
}
