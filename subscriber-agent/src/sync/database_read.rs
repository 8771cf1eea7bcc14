use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, HashSet};

use northbound::{PUBLISHER_TABLE, PublisherRow, SERVICE_TABLE};
use pubsub_api::database::{Entry, UNIQUE_KEY_TABLE};
use pubsub_api::{Event, Result, SEND_ALL, Subscriptions, Topic};
use serde::Deserialize;
use table::DatabaseRow;

use super::SyncSource;

/// The rows of the database that this agent needs.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The agent's subscriptions, if objects are published on their own topics (`enable_selective_topology_distribution`);
    /// otherwise all rows belong to `D`.
    pub(crate) wanted: Option<Subscriptions>,
    /// The connected publishers, which can be requested for rows.
    pub(crate) live: Vec<String>,
}

/// The result of reading the database.
#[derive(Debug, Default)]
pub(crate) struct DatabaseRead {
    /// The rows in scope, with unique names.
    pub(crate) rows: Vec<DatabaseRow>,
    /// The names of rows that exist but are not compared: they have other topics or are unreadable.
    pub(crate) others: HashSet<(String, String)>,
    /// The number of unreadable rows.
    pub(crate) corrupt: u64,
    /// The directory.
    pub(crate) publishers: Vec<PublisherRow>,
}

/// The tables about publishers and programs, which are not compared.
const INTERNAL_TABLES: &[&str] = &[PUBLISHER_TABLE, SERVICE_TABLE, UNIQUE_KEY_TABLE];

/// The number of unreadable rows that are logged in each read; all are counted.
const MAX_LOGGED: u64 = 10;

/// The part of an object's JSON that is read.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    version: Option<u64>,
}

impl Scope {
    /// Reads the whole database.
    pub(crate) async fn read(self, source: &SyncSource) -> Result<DatabaseRead> {
        let (tables, others) = source.read(self.wanted.as_ref(), self.live.clone()).await?;
        let mut read = DatabaseRead { others, ..DatabaseRead::default() };
        for (table, rows) in tables {
            if table == PUBLISHER_TABLE {
                read.publishers.extend(rows.iter().filter_map(|entry| publisher(entry, &mut read.corrupt)));
            } else if !INTERNAL_TABLES.contains(&table.as_str()) {
                self.add_table(&table, rows, &mut read);
            }
        }
        Ok(read)
    }

    fn add_table(&self, table: &str, entries: Vec<Entry>, read: &mut DatabaseRead) {
        let mut rows: BTreeMap<String, DatabaseRow> = BTreeMap::new();
        for entry in entries {
            let name = (table.to_owned(), entry.place.key.clone());
            match self.row(table, entry) {
                Ok(Some(row)) => keep_newest(&mut rows, row),
                Ok(None) => drop(read.others.insert(name)),
                Err(reason) => {
                    read.corrupt += 1;
                    if read.corrupt <= MAX_LOGGED {
                        tracing::warn!(
                            id = "SK0616",
                            "cannot read row {}/{} of the database; it is not compared: {reason}",
                            name.0,
                            name.1
                        );
                    }
                    read.others.insert(name);
                }
            }
        }
        read.rows.extend(rows.into_values());
    }

    /// The row if it is in scope, or the reason why it cannot be read.
    fn row(&self, table: &str, entry: Entry) -> std::result::Result<Option<DatabaseRow>, String> {
        let topic = match (&self.wanted, entry.place.topic) {
            (Some(_), Some(topic)) => Topic::new(topic).map_err(|error| error.to_string())?,
            _ => SEND_ALL,
        };
        if self.wanted.as_ref().is_some_and(|wanted| !wanted.wants(&topic)) {
            return Ok(None);
        }
        let value = String::from_utf8(entry.value.to_vec()).map_err(|error| error.to_string())?;
        let Head { version } = serde_json::from_str(&value)
            .map_err(|error| format!("the value is not a JSON object: {error}"))?;
        Ok(Some(DatabaseRow { table: table.to_owned(), key: entry.place.key, topic, value, version }))
    }
}

impl DatabaseRead {
    /// Whether the database would have the row that an event is about.
    pub(crate) fn covers(&self, event: &Event) -> bool {
        let (Some(table), Some(key)) = (&event.table, &event.key) else { return false };
        !INTERNAL_TABLES.contains(&table.as_str()) && !self.others.contains(&(table.clone(), key.clone()))
    }
}

/// Keeps the row with the highest version if several topics have a row with this key, because the agent's table has no topics.
fn keep_newest(rows: &mut BTreeMap<String, DatabaseRow>, row: DatabaseRow) {
    match rows.entry(row.key.clone()) {
        Slot::Vacant(slot) => drop(slot.insert(row)),
        Slot::Occupied(mut slot) => {
            let order = |row: &DatabaseRow| (row.version, row.topic.clone());
            if order(&row) > order(slot.get()) {
                slot.insert(row);
            }
        }
    }
}

fn publisher(entry: &Entry, corrupt: &mut u64) -> Option<PublisherRow> {
    match PublisherRow::parse(&entry.value) {
        Ok(row) => Some(row),
        Err(error) => {
            tracing::warn!(
                id = "SK0604",
                "ignoring publisher {} of the directory, its row is invalid: {error}",
                entry.place.key
            );
            *corrupt += 1;
            None
        }
    }
}
