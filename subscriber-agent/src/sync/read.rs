use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, HashSet};

use northbound::{PUBLISHER_TABLE, PublisherRow, SERVICE_TABLE};
use pubsub_api::database::{Entry, UNIQUE_KEY_TABLE};
use pubsub_api::{Event, Result, SEND_ALL, Subscriptions, Topic};
use serde::Deserialize;
use table::DatabaseRow;

use super::Source;

/// Which rows of the database are the agent's affair.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The topics that it subscribes to, if objects are published on their own (`enable_selective_topology_distribution`); else
    /// all rows are of `D`.
    pub(crate) wanted: Option<Subscriptions>,
    /// The publishers that are there, and can be asked.
    pub(crate) live: Vec<String>,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// The rows in scope, each name once.
    pub(crate) rows: Vec<DatabaseRow>,
    /// Rows that are there and are not compared: of other topics, or unreadable.
    pub(crate) others: HashSet<(String, String)>,
    /// How many could not be read.
    pub(crate) corrupt: u64,
    /// The directory.
    pub(crate) publishers: Vec<PublisherRow>,
}

/// The tables that are about publishers and programs: what they hold is not compared.
const OURS: &[&str] = &[PUBLISHER_TABLE, SERVICE_TABLE, UNIQUE_KEY_TABLE];

/// So many unreadable rows are named in the log each time; all are counted.
const NAMED: u64 = 10;

/// What is read of an object's JSON.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    version: Option<u64>,
}

impl Scope {
    /// Reads the whole database.
    pub(crate) async fn read(self, source: &Source) -> Result<Read> {
        let (tables, others) = source.read(self.wanted.as_ref(), self.live.clone()).await?;
        let mut read = Read { others, ..Read::default() };
        for (table, rows) in tables {
            if table == PUBLISHER_TABLE {
                read.publishers.extend(rows.iter().filter_map(|entry| publisher(entry, &mut read.corrupt)));
            } else if !OURS.contains(&table.as_str()) {
                self.take(&table, rows, &mut read);
            }
        }
        Ok(read)
    }

    fn take(&self, table: &str, entries: Vec<Entry>, read: &mut Read) {
        let mut rows: BTreeMap<String, DatabaseRow> = BTreeMap::new();
        for entry in entries {
            let name = (table.to_owned(), entry.place.key.clone());
            match self.row(table, entry) {
                Ok(Some(row)) => keep_newest(&mut rows, row),
                Ok(None) => drop(read.others.insert(name)),
                Err(why) => {
                    read.corrupt += 1;
                    if read.corrupt <= NAMED {
                        tracing::warn!("row {}/{} of the database is left out: {why}", name.0, name.1);
                    }
                    read.others.insert(name);
                }
            }
        }
        read.rows.extend(rows.into_values());
    }

    /// The row, if it is in scope; why it cannot be read.
    fn row(&self, table: &str, entry: Entry) -> std::result::Result<Option<DatabaseRow>, String> {
        let topic = match (&self.wanted, entry.place.topic) {
            (Some(_), Some(topic)) => Topic::new(topic).map_err(|error| error.to_string())?,
            _ => SEND_ALL,
        };
        if self.wanted.as_ref().is_some_and(|wanted| !wanted.wants(&topic)) {
            return Ok(None);
        }
        let value = String::from_utf8(entry.value.to_vec()).map_err(|error| error.to_string())?;
        let Head { version } =
            serde_json::from_str(&value).map_err(|error| format!("it is no object: {error}"))?;
        Ok(Some(DatabaseRow { table: table.to_owned(), key: entry.place.key, topic, value, version }))
    }
}

impl Read {
    /// Whether the database would have the row that an event is about.
    pub(crate) fn covers(&self, event: &Event) -> bool {
        let (Some(table), Some(key)) = (&event.table, &event.key) else { return false };
        !OURS.contains(&table.as_str()) && !self.others.contains(&(table.clone(), key.clone()))
    }
}

/// Of rows with one key on several topics the one of the highest version is the agent's, whose table knows no topics.
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
            tracing::warn!("publisher {} of the directory is left out: {error}", entry.place.key);
            *corrupt += 1;
            None
        }
    }
}
