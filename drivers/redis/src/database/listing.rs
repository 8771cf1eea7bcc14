use std::collections::{BTreeSet, HashMap};

use pubsub_api::Result;
use pubsub_api::database::{Entry, RowName, RowPlace, check_table};

use super::calls::{Rows, first_value, gets};
use super::commands::delete;
use super::key_layout::{ALL_ROWS, parse, rows_of};
use crate::servers::slot_of;

/// Calls for many rows, found by SCAN.
impl Rows {
    pub(super) async fn places(&self, table: &str, topic: Option<&str>) -> Result<BTreeSet<RowPlace>> {
        self.check(table, topic)?;
        let found = self.servers.scan(&rows_of(table, topic)?).await?;
        let parsed = found.iter().filter_map(|key| parse(key)).filter(|found| found.table == table);
        let places = parsed.map(|found| found.place);
        Ok(places.filter(|place| topic.is_none() || place.topic.as_deref() == topic).collect())
    }

    pub(super) async fn entries(&self, table: &str, topic: Option<&str>) -> Result<Vec<Entry>> {
        let places = self.places(table, topic).await?;
        let (mut commands, mut counts) = (Vec::new(), Vec::new());
        for place in &places {
            let row = RowName::new(table, &place.key).on(place.topic.as_deref());
            let of_row = gets(&self.layout.keys(&row)?);
            counts.push(of_row.len());
            commands.extend(of_row);
        }
        let mut answers = self.servers.run_in_parts(commands).await?.into_iter();
        let mut entries = Vec::with_capacity(places.len());
        for (place, count) in places.into_iter().zip(counts) {
            // One that was deleted since is none.
            let of_row: Vec<_> = answers.by_ref().take(count).collect();
            entries.extend(first_value(of_row)?.map(|value| Entry { place, value }));
        }
        Ok(entries)
    }

    pub(super) async fn tables(&self) -> Result<Vec<String>> {
        let found = self.servers.scan(ALL_ROWS).await?;
        let tables: BTreeSet<_> =
            found.iter().filter_map(|key| parse(key)).map(|found| found.table).collect();
        Ok(tables.into_iter().map(str::to_owned).collect())
    }

    pub(super) async fn delete_table(&self, table: &str) -> Result<()> {
        self.check(table, None)?;
        let found = self.servers.scan(&rows_of(table, None)?).await?;
        // By the tag of each key as it is: a tag cannot have a closing brace.
        let tags: HashMap<&str, &str> = found.iter().filter_map(|key| key_and_tag(key, table)).collect();
        let commands = tags.into_iter().map(|(key, tag)| delete(slot_of(tag), key)).collect();
        self.servers.run_in_parts(commands).await?;
        Ok(())
    }

    fn check(&self, table: &str, topic: Option<&str>) -> Result<()> {
        check_table(table)?;
        self.layout.keys(&RowName::new(table, "any").on(topic)).map(|_| ())
    }
}

fn key_and_tag<'a>(key: &'a [u8], table: &str) -> Option<(&'a str, &'a str)> {
    parse(key).filter(|found| found.table == table)?;
    let key = std::str::from_utf8(key).ok()?;
    let (tag, _) = key.strip_prefix('{')?.split_once('}')?;
    Some((key, tag))
}
