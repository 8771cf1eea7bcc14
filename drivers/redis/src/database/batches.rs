use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use pubsub_api::Result;
use pubsub_api::database::{RowName, Write};

use super::calls::{Rows, deletes, first_value, gets, put};
use super::find::{Topics, only_topic};
use super::key_layout::RowKeys;

/// Calls for many named rows.
impl Rows {
    /// The values of these rows, in their order; `None` for a row that does not exist. Not of one moment: commands run in parts,
    /// and on every master at the same time.
    ///
    /// # Errors
    /// An invalid name, and those of the servers.
    pub(super) async fn get_batch(&self, rows: &[RowName<'_>]) -> Result<Vec<Option<Bytes>>> {
        for row in rows {
            self.layout.keys(row)?;
        }
        let topics = self.topics_of_those_without(rows).await?;
        let (mut commands, mut counts) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            let of_row = match self.keys_of(row, &topics)? {
                Some(keys) => gets(&keys),
                None => Vec::new(),
            };
            counts.push(of_row.len());
            commands.extend(of_row);
        }
        let mut answers = self.servers.run_in_parts(commands).await?.into_iter();
        counts
            .into_iter()
            .map(|count| first_value(answers.by_ref().take(count).collect::<Vec<_>>()))
            .collect()
    }

    /// The last write to each row wins; so each row is written once, and the order of arrival does not matter.
    pub(super) async fn write_batch(&self, writes: &[Write<'_>]) -> Result<()> {
        let mut last: HashMap<String, (RowKeys, &Write<'_>)> = HashMap::with_capacity(writes.len());
        for write in writes {
            write.check()?;
            let (Write::Put(row, _) | Write::Delete(row)) = write;
            let keys = self.layout.keys(row)?;
            last.insert(keys.own.clone(), (keys, write));
        }
        let commands = last.values().flat_map(|(keys, write)| match write {
            Write::Put(_, value) => put(keys, value),
            Write::Delete(_) => deletes(keys),
        });
        self.servers.run_in_parts(commands.collect()).await?;
        Ok(())
    }

    /// One scan for each table that has rows named without a topic.
    async fn topics_of_those_without<'a>(&self, rows: &[RowName<'a>]) -> Result<HashMap<&'a str, Topics>> {
        let mut wanted: HashMap<&str, HashSet<&str>> = HashMap::new();
        for row in rows.iter().filter(|row| row.topic.is_none()) {
            wanted.entry(row.table).or_default().insert(row.key);
        }
        let mut found = HashMap::new();
        for (table, keys) in wanted {
            found.insert(table, self.topics_of(table, &keys).await?);
        }
        Ok(found)
    }

    fn keys_of(&self, row: &RowName<'_>, topics: &HashMap<&str, Topics>) -> Result<Option<RowKeys>> {
        if row.topic.is_some() {
            return self.layout.keys(row).map(Some);
        }
        let Some(of_table) = topics.get(row.table) else { return Ok(None) };
        let Some(topic) = only_topic(row, of_table)? else { return Ok(None) };
        self.layout.keys(&row.on(topic.as_deref())).map(Some)
    }
}
