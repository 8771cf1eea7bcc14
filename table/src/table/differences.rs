use std::collections::HashSet;
use std::sync::Arc;

use delivery::subscriber::Snapshot;
use pubsub_api::wire::EventRef;
use pubsub_api::{Action, Event, Value};

use super::Table;
use crate::merge::{self, Merge};
use crate::owners::{Owner, owner};
use crate::row::value_of;

/// What a snapshot has changed in a [`Table`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    /// The events to hand on, each of another row: rows that are new or have another value as they came, and deletes.
    pub events: Vec<Arc<Event>>,
    /// How many rows and deletes the snapshot has.
    pub rows: usize,
    /// How many of them were older than what another publisher has said.
    pub superseded: usize,
    /// How many could not be read; then nothing counts as absent.
    pub refused: usize,
}

impl Table {
    /// Takes over what a publisher knows about a topic; what differs is to be handed on.
    ///
    /// A row of the same publisher and topic is replaced; any other only by a newer event, as [`Table`] orders them. A row that
    /// has the same value already is no difference, though its stamp is taken over. If the snapshot is complete, rows of this
    /// publisher and topic that it does not name are deleted, if their latest event is of an epoch that it speaks for.
    pub fn replace(&mut self, snapshot: &Snapshot) -> Differences {
        let read = |envelope: &pubsub_api::Envelope| {
            let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload).ok()?;
            Some(Arc::new(event.to_event()))
        };
        let events: Vec<Arc<Event>> = snapshot.rows.iter().filter_map(read).collect();
        let rows = snapshot.rows.len();
        let mut differences = Differences { rows, refused: rows - events.len(), ..Differences::default() };
        let mut named = HashSet::new();
        for event in &events {
            if let (Some(table), Some(key)) = (&event.table, &event.key) {
                named.insert((table.as_str(), key.as_str()));
                self.take_row(table, key, event, snapshot.is_complete, &mut differences);
            }
        }
        if snapshot.is_complete && differences.refused == 0 {
            let owner = (snapshot.publisher, snapshot.topic.clone());
            for row in self.absent(&owner, &snapshot.epochs, &named) {
                differences.events.push(self.bury(&row));
            }
        }
        differences
    }

    fn take_row(
        &mut self,
        table: &str,
        key: &str,
        event: &Arc<Event>,
        is_whole: bool,
        differences: &mut Differences,
    ) {
        let (before, at) = (self.row(table, key), self.published(event));
        match before.map_or(Merge::Applied, |row| merge::snapshotted(row, event, at, is_whole)) {
            Merge::Known => return,
            Merge::Superseded => {
                differences.superseded += 1;
                return;
            }
            Merge::Applied => {}
        }
        if before.and_then(|row| value_of(&row.event)) != value_of(event) {
            differences.events.push(Arc::clone(event));
        }
        self.put(table, key, event, at);
    }

    /// The owner's rows that are not `named`, in the order of their names; but none of an epoch that is not among `epochs`: the
    /// publisher may have forgotten it. Epochs of a publisher that has lost its ring may be later or earlier, as its clock was.
    fn absent(&self, of: &Owner, epochs: &[u64], named: &HashSet<(&str, &str)>) -> Vec<Arc<Event>> {
        let is_owned = |row: &Event| owner(row).as_ref() == Some(of);
        let found = named.iter().filter(|(table, key)| self.get(table, key).is_some_and(|row| is_owned(row)));
        if self.owners.rows_of(of) <= found.count() {
            return Vec::new();
        }
        let name = |row: &Event| Some((row.table.clone()?, row.key.clone()?));
        let is_named = |row: &Event| match (&row.table, &row.key) {
            (Some(table), Some(key)) => named.contains(&(table.as_str(), key.as_str())),
            _ => true,
        };
        let is_covered = |row: &Event| row.stamp.is_some_and(|stamp| epochs.contains(&stamp.epoch));
        let absent = self.iter().filter(|row| is_owned(row) && is_covered(row) && !is_named(row));
        let mut absent: Vec<Arc<Event>> = absent.map(Arc::clone).collect();
        absent.sort_by_cached_key(|row| name(row));
        absent
    }

    /// Deletes a row of which its publisher says no more. The tombstone has the row's stamp, for whatever is newer than
    /// that is newer than the delete may be; the event that is handed on has none, since nobody published it.
    fn bury(&mut self, row: &Arc<Event>) -> Arc<Event> {
        let delete = Event { action: Action::Delete, value: Value::Nil, ..Event::clone(row) };
        if let (Some(table), Some(key)) = (&row.table, &row.key) {
            let at = self.row(table, key).map_or(self.now, |row| row.at);
            self.put(table, key, &Arc::new(delete.clone()), at);
        }
        Arc::new(Event { stamp: None, version: None, ..delete })
    }
}
