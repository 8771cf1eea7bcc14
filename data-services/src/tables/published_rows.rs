#[cfg(test)]
mod copy;

use std::collections::BTreeMap;

use pubsub_api::{Error, ErrorKind, Result};

use super::limits::MAX_ROW_BYTES;
use super::row_changes::{RowChanges, value_bytes};
use super::table_change::TableChange;
use super::table_rows::{TableRows, row_bytes};
use crate::{Difference, KeyColumns, Row, RowKey};

/// A hook of a service that sees each difference before it is published, and may change or withhold it.
pub(crate) type Prepush = Box<dyn FnMut(Difference) -> Option<Difference> + Send>;

/// The rows of a published table: what followers have, and where the service's own rows differ from it because of its hook.
///
/// - What the hook withholds, as a whole or by leaving a key out, is offered again with the next change.
/// - What the hook changes is settled: the key is offered again only when the service changes it.
pub(super) struct PublishedRows {
    key: KeyColumns,
    published: TableRows,
    /// The service's values of keys for which the hook published another one.
    altered: RowChanges,
    /// The service's changes that the hook did not let pass.
    withheld: RowChanges,
    hook: Option<Prepush>,
    /// The bound of all of it, in bytes.
    limit: usize,
    /// How many rows and keys were looked at, for tests of the cost.
    examined: u64,
}

/// A change that is checked and not yet made.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What changes for followers.
    pub(super) effective: RowChanges,
    withheld: RowChanges,
    altered: Vec<(RowKey, Option<Option<Row>>)>,
}

impl PublishedRows {
    pub(super) fn new(key: KeyColumns, limit: usize) -> Self {
        Self {
            key,
            published: TableRows::default(),
            altered: RowChanges::default(),
            withheld: RowChanges::default(),
            hook: None,
            limit,
            examined: 0,
        }
    }

    pub(super) fn set_hook(&mut self, hook: Prepush) {
        self.hook = Some(hook);
    }

    pub(super) fn key(&self) -> &KeyColumns {
        &self.key
    }

    /// The rows as followers have them.
    pub(super) fn published(&self) -> &TableRows {
        &self.published
    }

    /// The number of rows and keys that were looked at so far.
    #[cfg(test)]
    pub(super) fn examined(&self) -> u64 {
        self.examined
    }

    /// Checks a change and passes it to the hook. Nothing but the hook changes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a row lacks a key column or is too large, or if a key appears twice.
    /// [`ErrorKind::Overloaded`] if the table would become too large.
    pub(super) fn plan(&mut self, change: TableChange) -> Result<Plan> {
        let offered = match change {
            TableChange::Rows(rows) => self.offered_by_state(rows)?,
            TableChange::Difference(difference) => self.offered_by_difference(difference)?,
        };
        let passed = match &mut self.hook {
            _ if offered.is_empty() => return Ok(Plan::default()),
            None => None,
            Some(hook) => match hook(offered.to_difference()) {
                None => Some(RowChanges::default()),
                Some(difference) => {
                    Some(self.keyed(difference).map_err(|error| error.context("the prepush hook's result"))?)
                }
            },
        };
        let plan = match passed {
            None => Plan { effective: offered, ..Plan::default() },
            Some(passed) => self.settle(&offered, passed),
        };
        self.check_size(&plan)?;
        Ok(plan)
    }

    /// Makes a change, and returns what followers must know of it.
    pub(super) fn carry_out(&mut self, plan: Plan) -> Difference {
        self.withheld = plan.withheld;
        for (key, value) in plan.altered {
            match value {
                Some(value) => drop(self.altered.put(key, value)),
                None => self.altered.remove(&key),
            }
        }
        for (key, value) in plan.effective.iter() {
            match value {
                Some(row) => drop(self.published.put(key.clone(), row.clone())),
                None => drop(self.published.remove(key)),
            }
        }
        plan.effective.to_difference()
    }

    /// The service's value of a key when the hook last let it pass.
    fn settled(&self, key: &RowKey) -> Option<&Row> {
        self.altered.get(key).map_or_else(|| self.published.get(key), Option::as_ref)
    }

    fn offered_by_state(&mut self, rows: Vec<Row>) -> Result<RowChanges> {
        let mut stated: BTreeMap<RowKey, Row> = BTreeMap::new();
        let mut bytes = 0;
        for row in rows {
            let key = self.key_of(&row)?;
            match stated.get(&key) {
                Some(other) if *other != row => return Err(appears_twice(other, &row)),
                Some(_) => continue,
                None => bytes += row_bytes(&key, &row),
            }
            if bytes > self.limit {
                return Err(self.too_large(bytes));
            }
            stated.insert(key, row);
        }
        let mut offered = RowChanges::default();
        let is_gone = |key: &&RowKey| self.settled(key).is_some() && !stated.contains_key(*key);
        let known = self.published.iter().map(|(key, _)| key).chain(self.altered.iter().map(|(key, _)| key));
        for key in known.filter(is_gone) {
            offered.put(key.clone(), None);
        }
        self.examined += self.published.len() as u64;
        for (key, row) in stated {
            if self.settled(&key) != Some(&row) {
                offered.put(key, Some(row));
            }
        }
        Ok(offered)
    }

    fn offered_by_difference(&mut self, difference: Difference) -> Result<RowChanges> {
        let changes = self.keyed(difference)?;
        let mut offered = self.withheld.clone();
        self.examined += offered.len() as u64;
        for (key, value) in changes.iter() {
            if self.settled(key) == value.as_ref() {
                offered.remove(key);
            } else {
                offered.put(key.clone(), value.clone());
            }
        }
        Ok(offered)
    }

    /// A difference by key, checked.
    fn keyed(&mut self, difference: Difference) -> Result<RowChanges> {
        let mut changes = RowChanges::default();
        for row in difference.put {
            let key = self.key_of(&row)?;
            match changes.put(key, Some(row.clone())) {
                Some(Some(other)) if other != row => return Err(appears_twice(&other, &row)),
                _ => {}
            }
        }
        for key in difference.deleted {
            self.examined += 1;
            if let Some(Some(row)) = changes.put(key, None) {
                let text = format!("the row {row} is put and deleted in one change; a key may appear once");
                return Err(Error::new(ErrorKind::Invalid, text));
            }
        }
        Ok(changes)
    }

    /// What follows from the difference that the hook has let pass.
    fn settle(&self, offered: &RowChanges, passed: RowChanges) -> Plan {
        let mut plan = Plan::default();
        for (key, value) in offered.iter().filter(|(key, _)| passed.get(key).is_none()) {
            plan.withheld.put(key.clone(), value.clone());
        }
        for (key, value) in passed.iter() {
            let own = offered.get(key).map_or_else(|| self.settled(key), Option::as_ref);
            let altered = (own != value.as_ref()).then(|| own.cloned());
            plan.altered.push((key.clone(), altered));
            if self.published.get(key) != value.as_ref() {
                plan.effective.put(key.clone(), value.clone());
            }
        }
        plan
    }

    fn check_size(&self, plan: &Plan) -> Result<()> {
        let mut bytes = self.published.bytes() + self.altered.bytes() + plan.withheld.bytes();
        let mut freed = 0;
        for (key, value) in plan.effective.iter() {
            freed += self.published.get(key).map_or(0, |row| row_bytes(key, row));
            bytes += value.as_ref().map_or(0, |row| row_bytes(key, row));
        }
        for (key, value) in &plan.altered {
            freed += self.altered.get(key).map_or(0, |value| value_bytes(key, value.as_ref()));
            bytes += value.as_ref().map_or(0, |value| value_bytes(key, value.as_ref()));
        }
        let bytes = bytes.saturating_sub(freed);
        // What makes a table smaller is never refused.
        let is_larger = bytes > self.published.bytes() + self.altered.bytes() + self.withheld.bytes();
        if bytes > self.limit && is_larger { Err(self.too_large(bytes)) } else { Ok(()) }
    }

    fn key_of(&mut self, row: &Row) -> Result<RowKey> {
        self.examined += 1;
        let bytes = row.as_json().len();
        if bytes > MAX_ROW_BYTES {
            let start: String = row.as_json().chars().take(100).collect();
            let text = format!("a row has at most {MAX_ROW_BYTES} bytes of JSON, {start}… has {bytes}");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        self.key.key_of(row)
    }

    fn too_large(&self, bytes: usize) -> Error {
        let text = format!(
            "the table would have {bytes} bytes, its bound is {}; nothing of the change was published: raise table_bytes or \
             publish fewer rows",
            self.limit
        );
        Error::new(ErrorKind::Overloaded, text)
    }
}

fn appears_twice(one: &Row, other: &Row) -> Error {
    let text = format!("the rows {one} and {other} have one key; a table has one row of each key");
    Error::new(ErrorKind::Invalid, text)
}
