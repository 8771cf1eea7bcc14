use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use pubsub_api::Result;
use pubsub_api::database::{Entry, RowName, RowPlace, check_table};

use super::calls::{Rows, first_value};
use super::commands::{as_foreign_kind, as_string, delete, get_string, kind};
use super::key_layout::{ALL_ROWS, RowKeys, parse, rows_of};
use crate::servers::{Scan, slot_of};

/// Calls for many rows, which SCAN finds.
impl Rows {
    /// The places of the rows of a table, on one topic or on all: one SCAN of every master.
    ///
    /// # Errors
    /// An invalid name, and those of the servers; a listing is all rows or an error.
    pub(super) async fn places(&self, table: &str, topic: Option<&str>) -> Result<BTreeSet<RowPlace>> {
        let scan = self.scan_rows(table, topic).await?;
        Ok(places_in(&scan, table, topic))
    }

    async fn scan_rows(&self, table: &str, topic: Option<&str>) -> Result<Scan> {
        self.check(table, topic)?;
        self.servers.scan(&rows_of(table, topic)?).await
    }

    /// The rows of a table, on one topic or on all: one SCAN of every master, then reads in parts. Rows that are deleted
    /// meanwhile are left out, and keys that are no rows are logged.
    ///
    /// # Errors
    /// As [`places`](Self::places); [`ErrorKind::Unavailable`](pubsub_api::ErrorKind::Unavailable) if values are missing
    /// and a master has changed since the SCAN.
    pub(super) async fn entries(&self, table: &str, topic: Option<&str>) -> Result<Vec<Entry>> {
        let scan = self.scan_rows(table, topic).await?;
        let places = places_in(&scan, table, topic);
        let (mut commands, mut counts) = (Vec::new(), Vec::new());
        for place in &places {
            let keys = self.keys_at(table, place)?;
            counts.push(both(&keys).count());
            commands.extend(both(&keys).map(|key| get_string(keys.slot, key)));
        }
        let answers = self.servers.run_in_parts(commands).await?;
        let mut values = answers.into_iter().map(as_string);
        let (mut entries, mut missing) = (Vec::with_capacity(places.len()), Vec::new());
        for (place, count) in places.into_iter().zip(counts) {
            let of_row = values.by_ref().take(count).collect::<Result<Vec<_>>>()?;
            match first_value(of_row)? {
                Some(value) => entries.push(Entry { place, value }),
                None => missing.push(place),
            }
        }
        if !missing.is_empty() {
            self.log_foreign(table, &missing).await?;
            self.servers.check_unchanged(&scan).await?;
        }
        Ok(entries)
    }

    fn keys_at(&self, table: &str, place: &RowPlace) -> Result<RowKeys> {
        self.layout.keys(&RowName::new(table, &place.key).on(place.topic.as_deref()))
    }

    /// Logs keys that hold something other than a row. A key without a value is skipped: it was deleted since, or is not a row.
    async fn log_foreign(&self, table: &str, missing: &[RowPlace]) -> Result<()> {
        let (mut names, mut commands) = (Vec::new(), Vec::new());
        for place in missing {
            let keys = self.keys_at(table, place)?;
            commands.extend(both(&keys).map(|key| kind(keys.slot, key)));
            names.extend(both(&keys).cloned());
        }
        for (key, kind) in names.iter().zip(self.servers.run_in_parts(commands).await?) {
            let Some(kind) = as_foreign_kind(&kind) else { continue };
            if let Some(times) = self.ignored.count("no_string", Instant::now()) {
                tracing::warn!(
                    id = "SK0807",
                    times,
                    "ignored key {key}: it is a {kind}, but a row must be a string"
                );
            }
        }
        Ok(())
    }

    /// The names of the tables that have rows, sorted: one SCAN of every master over all rows.
    ///
    /// # Errors
    /// Those of the servers.
    pub(super) async fn tables(&self) -> Result<Vec<String>> {
        let found = self.servers.scan(ALL_ROWS).await?;
        let tables: BTreeSet<_> =
            found.keys.iter().filter_map(|key| parse(key)).map(|found| found.table).collect();
        Ok(tables.into_iter().map(str::to_owned).collect())
    }

    /// Deletes every row of a table that one SCAN finds; rows that are written meanwhile may remain.
    ///
    /// # Errors
    /// As [`places`](Self::places).
    pub(super) async fn delete_table(&self, table: &str) -> Result<()> {
        self.check(table, None)?;
        let found = self.servers.scan(&rows_of(table, None)?).await?;
        // By the actual tag of each key: a tag cannot contain a closing brace.
        let tags: HashMap<&str, &str> = found.keys.iter().filter_map(|key| key_and_tag(key, table)).collect();
        let commands = tags.into_iter().map(|(key, tag)| delete(slot_of(tag), key)).collect();
        self.servers.run_in_parts(commands).await?;
        Ok(())
    }

    fn check(&self, table: &str, topic: Option<&str>) -> Result<()> {
        check_table(table)?;
        self.layout.keys(&RowName::new(table, "any").on(topic)).map(|_| ())
    }
}

fn places_in(scan: &Scan, table: &str, topic: Option<&str>) -> BTreeSet<RowPlace> {
    let parsed = scan.keys.iter().filter_map(|key| parse(key)).filter(|found| found.table == table);
    let places = parsed.map(|found| found.place);
    places.filter(|place| topic.is_none() || place.topic.as_deref() == topic).collect()
}

/// The keys under which a row may be stored.
fn both(keys: &RowKeys) -> impl Iterator<Item = &String> {
    [Some(&keys.own), keys.other.as_ref()].into_iter().flatten()
}

fn key_and_tag<'a>(key: &'a [u8], table: &str) -> Option<(&'a str, &'a str)> {
    parse(key).filter(|found| found.table == table)?;
    let key = std::str::from_utf8(key).ok()?;
    let (tag, _) = key.strip_prefix('{')?.split_once('}')?;
    Some((key, tag))
}
