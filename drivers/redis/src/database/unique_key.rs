use pubsub_api::Result;
use pubsub_api::database::{RowName, UNIQUE_KEY_TABLE, check_table, next_unique_key};

use super::calls::Rows;
use super::calls::gets;
use super::commands::{as_count, as_value, increment};

impl Rows {
    /// Increments the existing counter: a database that was created by 4.0 has it in the layout of 4.0.
    pub(super) async fn allocate(&self, table: &str) -> Result<u64> {
        check_table(table)?;
        let keys = self.layout.keys(&RowName::new(UNIQUE_KEY_TABLE, table))?;
        let mut last = Vec::with_capacity(2);
        for answer in self.servers.run(gets(&keys)).await? {
            let value = as_value(answer)?;
            last.push(next_unique_key(table, value.as_deref())?);
        }
        let is_ahead = last.iter().skip(1).any(|other| Some(other) > last.first());
        let key = keys.other.as_ref().filter(|_| is_ahead).unwrap_or(&keys.own);
        as_count(&self.one(increment(keys.slot, key)).await?)
    }
}
