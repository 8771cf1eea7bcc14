use delivery::Position;

use super::partners::Partners;
use super::table_event::{KeyedChange, KeyedRows, TableEvent};
use super::table_rows::TableRows;
use super::table_update::TableUpdate;
use crate::{KeyColumns, StreamName};

/// The rows of a followed table, at one position of its publisher.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct FollowedRows {
    position: Position,
    key: Option<KeyColumns>,
    rows: TableRows,
    partners: Partners,
}

impl FollowedRows {
    pub(super) fn new() -> Self {
        Self {
            position: Position::NONE,
            key: None,
            rows: TableRows::default(),
            partners: Partners::default(),
        }
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    pub(super) fn rows(&self) -> &TableRows {
        &self.rows
    }

    /// The tables that had a commit in common with the rows.
    pub(super) fn partners(&self) -> &Partners {
        &self.partners
    }

    /// Whether there was a first content, which may be empty.
    pub(super) fn is_initialized(&self) -> bool {
        self.position != Position::NONE
    }

    /// Whether the rows already have everything up to a position, or are of a later epoch.
    pub(super) fn covers(&self, position: Position) -> bool {
        self.position >= position
    }

    /// Whether a change of this epoch has the key columns of the table.
    pub(super) fn has_key(&self, epoch: u64, key: &KeyColumns) -> bool {
        self.position.epoch != epoch || self.key.as_ref().is_none_or(|own| own == key)
    }

    /// Makes an event, and returns what it changed. The first one is the complete content.
    pub(super) fn apply(&mut self, stream: &StreamName, event: TableEvent) -> TableUpdate {
        let is_first = !self.is_initialized();
        let mut update = TableUpdate {
            stream: stream.clone(),
            position: event.position(),
            is_snapshot: is_first,
            added: vec![],
            changed: vec![],
            removed: vec![],
            trace: None,
        };
        self.position = event.position();
        match event {
            TableEvent::Change(change) => {
                self.partners.note(&change.group, &stream.table);
                update.trace = change.trace;
                self.change(change, &mut update);
            }
            TableEvent::Snapshot(snapshot) => self.replace(snapshot, &mut update),
            TableEvent::Empty(_) => {}
        }
        update
    }

    fn change(&mut self, change: KeyedChange, update: &mut TableUpdate) {
        self.key = Some(change.key);
        for key in change.deleted {
            update.removed.extend(self.rows.remove(&key));
        }
        for (key, row) in change.put {
            match self.rows.put(key, row.clone()) {
                None => update.added.push(row),
                Some(old) if old == row => {}
                Some(old) => update.changed.push((old, row)),
            }
        }
    }

    /// Replaces all rows. With other key columns than before, a row is the same only if it is equal.
    fn replace(&mut self, snapshot: KeyedRows, update: &mut TableUpdate) {
        update.is_snapshot = true;
        self.partners = snapshot.partners.into();
        let mut rows = TableRows::default();
        for (key, row) in snapshot.rows {
            drop(rows.put(key, row));
        }
        let mut old = std::mem::replace(&mut self.rows, rows);
        if self.key.as_ref().is_some_and(|key| *key != snapshot.key) {
            old = rekeyed(&old, &snapshot.key, &mut update.removed);
        }
        self.key = Some(snapshot.key);
        for (key, row) in self.rows.iter() {
            match old.get(key) {
                None => update.added.push(row.clone()),
                Some(before) if before == row => {}
                Some(before) => update.changed.push((before.clone(), row.clone())),
            }
        }
        let is_gone = |key| self.rows.get(key).is_none();
        update.removed.extend(old.iter().filter(|(key, _)| is_gone(key)).map(|(_, row)| row.clone()));
    }
}

/// Rows under other key columns. Those that have no such key, or one that another row has, are gone.
fn rekeyed(old: &TableRows, key: &KeyColumns, removed: &mut Vec<crate::Row>) -> TableRows {
    let mut rows = TableRows::default();
    for row in old.rows() {
        match key.key_of(row) {
            Ok(key) => removed.extend(rows.put(key, row.clone())),
            Err(_) => removed.push(row.clone()),
        }
    }
    rows
}
