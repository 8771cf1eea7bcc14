use std::collections::{BTreeSet, HashMap, HashSet};

use pubsub_api::Result;
use pubsub_api::database::RowName;

use super::calls::Rows;
use super::key_layout::{parse, rows_of, rows_of_key};

/// The topics on which each key has a row; `None` for the row without topic.
pub(super) type Topics = HashMap<String, BTreeSet<Option<String>>>;

impl Rows {
    /// The topic of the row; if the caller gave none, the topic of the only row with this key.
    pub(super) async fn topic_of(&self, row: RowName<'_>) -> Result<Option<String>> {
        if let Some(topic) = row.topic {
            return Ok(Some(topic.to_owned()));
        }
        let topics = self.topics_of(row.table, &HashSet::from([row.key])).await?;
        only_topic(&row, &topics)?.ok_or_else(|| row.not_found())
    }

    /// Searches the rows of these keys on all servers.
    pub(super) async fn topics_of(&self, table: &str, keys: &HashSet<&str>) -> Result<Topics> {
        let mut only = keys.iter();
        let pattern = match (only.next(), only.next()) {
            (Some(key), None) => rows_of_key(table, key),
            _ => rows_of(table, None)?,
        };
        let mut topics = Topics::new();
        for found in &self.servers.scan(&pattern).await?.keys {
            if let Some(found) = parse(found).filter(|found| found.table == table)
                && keys.contains(found.place.key.as_str())
            {
                topics.entry(found.place.key).or_default().insert(found.place.topic);
            }
        }
        Ok(topics)
    }
}

/// The topic of the only row with this key, if there is one.
///
/// # Errors
/// [`RowName::ambiguous`] if there are several.
pub(super) fn only_topic(row: &RowName<'_>, topics: &Topics) -> Result<Option<Option<String>>> {
    let mut found = topics.get(row.key).into_iter().flatten();
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(row.ambiguous()),
        (one, None) => Ok(one.cloned()),
    }
}
