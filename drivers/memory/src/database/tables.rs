use std::collections::BTreeMap;

use bytes::Bytes;
use pubsub_api::Result;
use pubsub_api::database::{Entry, RowName, RowPlace, UNIQUE_KEY_TABLE, Write, next_unique_key};

/// The rows of a table, in the order of their keys, then topics; the row without topic is the first of its key.
type Table = BTreeMap<RowPlace, Bytes>;

/// All tables, and the contract's calls on them. The caller has checked the names.
#[derive(Debug, Default)]
pub(super) struct Tables(BTreeMap<String, Table>);

impl Tables {
    /// Adds an empty table, unless it exists.
    pub(super) fn create_table(&mut self, table: &str) {
        self.0.entry(table.to_owned()).or_default();
    }

    /// Removes a table with its rows.
    pub(super) fn delete_table(&mut self, table: &str) {
        self.0.remove(table);
    }

    /// Their names, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Writes a row. Without `overwrite`, a row of this name must not exist.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](pubsub_api::ErrorKind::AlreadyExists) if it exists.
    pub(super) fn create(&mut self, row: RowName<'_>, value: Bytes, overwrite: bool) -> Result<()> {
        if !overwrite && self.exact(row).is_some() {
            return Err(row.already_exists());
        }
        self.put(row, value);
        Ok(())
    }

    /// Replaces the value of a row; without a topic, of the only row with its key.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](pubsub_api::ErrorKind::NotFound) if there is none; [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid)
    /// if several rows have the key.
    pub(super) fn set(&mut self, row: RowName<'_>, value: Bytes) -> Result<()> {
        let place = self.find(row)?.ok_or_else(|| row.not_found())?;
        self.0.entry(row.table.to_owned()).or_default().insert(place, value);
        Ok(())
    }

    /// The value of a row; without a topic, of the only row with its key.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if several rows have the key.
    pub(super) fn get(&self, row: RowName<'_>) -> Result<Option<Bytes>> {
        let place = self.find(row)?;
        Ok(place.and_then(|place| self.0.get(row.table)?.get(&place)).cloned())
    }

    /// Deletes a row; without a topic, the only row with its key.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub(super) fn delete(&mut self, row: RowName<'_>) -> Result<()> {
        let place = self.find(row)?.ok_or_else(|| row.not_found())?;
        self.remove(row.table, &place);
        Ok(())
    }

    /// Writes (`Some`) or deletes (`None`) a row if its value is `expected`; returns whether it was. `None` expects that the row
    /// does not exist. The topic is used exactly as given.
    pub(super) fn compare_and_set(
        &mut self,
        row: RowName<'_>,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
    ) -> bool {
        if self.exact(row).map(|value| &value[..]) != expected {
            return false;
        }
        match new {
            Some(value) => self.put(row, value),
            None => self.remove(row.table, &place(row)),
        }
        true
    }

    /// The rows of a table, on one topic or on all, in the order of their keys.
    pub(super) fn entries(&self, table: &str, topic: Option<&str>) -> Vec<Entry> {
        let rows = self.0.get(table).into_iter().flatten();
        let on_topic = rows.filter(|(place, _)| topic.is_none() || place.topic.as_deref() == topic);
        on_topic.map(|(place, value)| Entry { place: place.clone(), value: value.clone() }).collect()
    }

    /// Applies one write. A deletion of a row that does not exist does nothing.
    pub(super) fn write(&mut self, write: &Write<'_>) {
        match write {
            Write::Put(row, value) => self.put(*row, value.clone()),
            Write::Delete(row) => self.remove(row.table, &place(*row)),
        }
    }

    /// Allocates the next number of a table, from 1. It is kept in a row of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if that row has no number, or the largest one.
    pub(super) fn next_unique_key(&mut self, table: &str) -> Result<u64> {
        let row = RowName::new(UNIQUE_KEY_TABLE, table);
        let next = next_unique_key(table, self.exact(row).map(|last| &last[..]))?;
        self.put(row, Bytes::from(next.to_string()));
        Ok(next)
    }

    /// The value of this row; the topic is used exactly as given.
    fn exact(&self, row: RowName<'_>) -> Option<&Bytes> {
        self.0.get(row.table)?.get(&place(row))
    }

    /// The place of this row; without a topic, of the only row with its key.
    fn find(&self, row: RowName<'_>) -> Result<Option<RowPlace>> {
        let Some(table) = self.0.get(row.table) else { return Ok(None) };
        let named = place(row);
        if row.topic.is_some() {
            return Ok(table.contains_key(&named).then_some(named));
        }
        let mut of_key =
            table.range(named..).map(|(place, _)| place).take_while(|place| place.key == row.key);
        match (of_key.next(), of_key.next()) {
            (_, Some(_)) => Err(row.ambiguous()),
            (found, None) => Ok(found.cloned()),
        }
    }

    fn put(&mut self, row: RowName<'_>, value: Bytes) {
        self.0.entry(row.table.to_owned()).or_default().insert(place(row), value);
    }

    fn remove(&mut self, table: &str, place: &RowPlace) {
        if let Some(rows) = self.0.get_mut(table) {
            rows.remove(place);
        }
    }
}

fn place(row: RowName<'_>) -> RowPlace {
    RowPlace { key: row.key.to_owned(), topic: row.topic.map(str::to_owned) }
}
