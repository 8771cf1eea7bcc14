use std::sync::Arc;

use bytes::Bytes;
use pubsub_api::database::{RowName, check_value};
use pubsub_api::{CauseCounter, Result};
use redis::Value;

use super::KeyLayout;
use super::commands::{
    Compared, as_compared, as_count, as_done, as_value, compare_and_set, create_beside, delete, exists, get,
    set, set_if,
};
use super::key_layout::RowKeys;
use crate::servers::{Command, Servers, Watch};

/// The rows of an open Redis database.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) servers: Arc<Servers>,
    pub(super) layout: KeyLayout,
    /// Keys that look like rows but are not.
    pub(super) ignored: CauseCounter,
    /// Stops when the rows are dropped.
    pub(super) _watch: Watch,
}

/// Calls for one row. A row in the other layout is found, changed and deleted there.
impl Rows {
    /// Writes a row in the own layout. With `overwrite` it replaces the row in either layout; without, no layout may have it.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](pubsub_api::ErrorKind::AlreadyExists) if one has it, and those of the servers.
    pub(super) async fn create(&self, row: RowName<'_>, value: &[u8], overwrite: bool) -> Result<()> {
        let keys = self.layout.keys(&row)?;
        check_value(value)?;
        if overwrite {
            self.servers.run(put(&keys, value)).await?;
            return Ok(());
        }
        let created = match &keys.other {
            None => as_done(&self.one(set_if("NX", keys.slot, &keys.own, value)).await?)?,
            // While a slot moves, a cluster refuses commands with several keys of it (TRYAGAIN).
            Some(other) if self.servers.is_clustered() => {
                as_count(&self.one(exists(keys.slot, other)).await?)? == 0
                    && as_done(&self.one(set_if("NX", keys.slot, &keys.own, value)).await?)?
            }
            Some(other) => as_count(&self.one(create_beside(keys.slot, &keys.own, other, value)).await?)? > 0,
        };
        if created { Ok(()) } else { Err(row.already_exists()) }
    }

    /// Replaces the value of a row, in the layout that has it; without a topic, of the only row with its key.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](pubsub_api::ErrorKind::NotFound) if no layout has it, and those of the servers.
    pub(super) async fn set(&self, row: RowName<'_>, value: &[u8]) -> Result<()> {
        self.layout.keys(&row)?;
        check_value(value)?;
        let topic = self.topic_of(row).await?;
        let keys = self.layout.keys(&row.on(topic.as_deref()))?;
        for key in [Some(&keys.own), keys.other.as_ref()].into_iter().flatten() {
            if as_done(&self.one(set_if("XX", keys.slot, key, value)).await?)? {
                return Ok(());
            }
        }
        Err(row.not_found())
    }

    /// The value of a row in either layout; without a topic, of the only row with its key.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub(super) async fn get(&self, row: RowName<'_>) -> Result<Bytes> {
        self.layout.keys(&row)?;
        let topic = self.topic_of(row).await?;
        let keys = self.layout.keys(&row.on(topic.as_deref()))?;
        let answers = self.servers.run(gets(&keys)).await?;
        first_value(answers)?.ok_or_else(|| row.not_found())
    }

    /// Deletes a row in both layouts; without a topic, the only row with its key.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub(super) async fn delete(&self, row: RowName<'_>) -> Result<()> {
        self.layout.keys(&row)?;
        let topic = self.topic_of(row).await?;
        let keys = self.layout.keys(&row.on(topic.as_deref()))?;
        let answers = self.servers.run(deletes(&keys)).await?;
        let deleted = answers.iter().map(as_count).sum::<Result<u64>>()?;
        if deleted > 0 { Ok(()) } else { Err(row.not_found()) }
    }

    /// Atomic in the layout that has the row; a read before finds out which one that is.
    pub(super) async fn compare_and_set(
        &self,
        row: RowName<'_>,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool> {
        let keys = self.layout.keys(&row)?;
        check_value(new.unwrap_or_default())?;
        if expected.is_none()
            && let Some(other) = &keys.other
            && as_count(&self.one(exists(keys.slot, other)).await?)? > 0
        {
            return Ok(false);
        }
        for key in [Some(&keys.own), keys.other.as_ref()].into_iter().flatten() {
            match as_compared(&self.one(compare_and_set(keys.slot, key, expected, new)).await?)? {
                Compared::Set => return Ok(true),
                Compared::Different => return Ok(false),
                Compared::Absent => {}
            }
        }
        Ok(false)
    }

    /// Runs one command, and returns its answer.
    ///
    /// # Errors
    /// Those of the servers.
    pub(super) async fn one(&self, command: Command) -> Result<Value> {
        let answers = self.servers.run(vec![command]).await?;
        Ok(answers.into_iter().next().unwrap_or(Value::Nil))
    }
}

/// Commands that read a row in either layout.
pub(super) fn gets(keys: &RowKeys) -> Vec<Command> {
    let both = [Some(&keys.own), keys.other.as_ref()].into_iter().flatten();
    both.map(|key| get(keys.slot, key)).collect()
}

/// Commands that delete a row in either layout.
pub(super) fn deletes(keys: &RowKeys) -> Vec<Command> {
    let both = [Some(&keys.own), keys.other.as_ref()].into_iter().flatten();
    both.map(|key| delete(keys.slot, key)).collect()
}

/// Commands that write a row in the own layout and then delete it in the other.
pub(super) fn put(keys: &RowKeys, value: &[u8]) -> Vec<Command> {
    let other = keys.other.iter().map(|other| delete(keys.slot, other));
    [set(keys.slot, &keys.own, value)].into_iter().chain(other).collect()
}

/// The value of the row in the answers to [`gets`].
pub(super) fn first_value(answers: impl IntoIterator<Item = Value>) -> Result<Option<Bytes>> {
    for answer in answers {
        if let Some(value) = as_value(answer)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
