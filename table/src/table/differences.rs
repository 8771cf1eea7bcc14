use std::collections::HashSet;
use std::sync::Arc;

use delivery::subscriber::Snapshot;
use pubsub_api::wire::EventRef;
use pubsub_api::{Action, Event, Value};

use super::Table;
use crate::merge::{self, Merge};
use crate::owners::{Owner, owner};
use crate::row::value_of;

/// The changes that a snapshot has made in a [`Table`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    /// The events to pass on, each of another row: rows that are new or have another value, unchanged, and deletes.
    pub events: Vec<Arc<Event>>,
    /// The number of rows and deletes in the snapshot.
    pub rows: usize,
    /// The number of them that were older than an event of another publisher.
    pub superseded: usize,
    /// The number of them that could not be read; if there are any, no row counts as absent.
    pub refused: usize,
    /// The number of them that the bound of the table has no room for.
    pub no_room: usize,
}

impl Table {
    /// Applies a publisher's snapshot of a topic, and returns the differences to pass on.
    ///
    /// It replaces a row of the same publisher and topic, and any other row only by a newer event, in the order of
    /// [`Table`]. A row with an equal value is not a difference, but its stamp is adopted. If the snapshot is complete,
    /// it deletes the rows of this publisher and topic that it does not name, if their latest event is of an epoch that
    /// the snapshot covers.
    ///
    /// ```
    /// use delivery::subscriber::Snapshot;
    /// use pubsub_api::{Action, Envelope, Event, SEND_ALL, Stamp};
    /// use std::sync::Arc;
    /// use table::Table;
    ///
    /// let row = |key: &str, sequence| {
    ///     let stamp = Stamp { publisher: 7, epoch: 1, sequence, time_us: 0 };
    ///     Event { stamp: Some(stamp), ..Event::new("lport", key, Action::Set, "up", SEND_ALL) }
    /// };
    /// let mut table = Table::default();
    /// table.apply(&Arc::new(row("p1", 1)));
    /// table.apply(&Arc::new(row("p2", 2)));
    ///
    /// // p2 was deleted while the subscriber was away.
    /// let rows = vec![Envelope::pack(&row("p1", 1))?];
    /// let snapshot = Snapshot { publisher: 7, topic: SEND_ALL, rows, epochs: vec![1], is_complete: true };
    /// let differences = table.replace(&snapshot);
    /// assert_eq!(differences.events.len(), 1);
    /// assert!(differences.events.iter().all(|event| event.action == Action::Delete));
    /// assert!(table.get("lport", "p2").is_none());
    /// # Ok::<(), pubsub_api::Error>(())
    /// ```
    pub fn replace(&mut self, snapshot: &Snapshot) -> Differences {
        let read = |envelope: &pubsub_api::Envelope| {
            let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload).ok()?;
            event.sealed.is_none().then(|| Arc::new(event.to_event()))
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
            Merge::Applied | Merge::Refused => {}
        }
        let is_difference = before.and_then(|row| value_of(&row.event)) != value_of(event);
        if !self.fits(table, key, event) {
            differences.no_room += 1;
            return;
        }
        if is_difference {
            differences.events.push(Arc::clone(event));
        }
        self.put(table, key, event, at);
    }

    /// Returns the owner's rows that are not `named`, in the order of their names, except those of an epoch that is not
    /// in `epochs`: the publisher may have forgotten it. The epochs of a publisher that has lost its ring may be later
    /// or earlier, depending on its clock.
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

    /// Deletes a row that its publisher no longer names. The tombstone has the row's stamp, because any event newer
    /// than that may be newer than the delete. The event to pass on has no stamp, because no publisher sent it.
    fn bury(&mut self, row: &Arc<Event>) -> Arc<Event> {
        let delete = Event { action: Action::Delete, value: Value::Nil, ..Event::clone(row) };
        if let (Some(table), Some(key)) = (&row.table, &row.key) {
            let at = self.row(table, key).map_or(self.now, |row| row.at);
            self.put(table, key, &Arc::new(delete.clone()), at);
        }
        Arc::new(Event { stamp: None, version: None, ..delete })
    }
}
