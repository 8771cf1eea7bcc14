mod compared;
mod differences;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use delivery::subscriber::{DeliveryMode, PublisherClock};
use pubsub_api::{Action, Event, Value};

use crate::absences::Absences;
use crate::clocks::Clocks;
use crate::comparison::Comparison;
use crate::merge::{self, Merge};
use crate::owners::Owners;
use crate::row::Row;
use crate::same_event::SameEvent;
use crate::tombstones::Tombstones;
pub use compared::{Compared, DATABASE, DatabaseRow};
pub use differences::Differences;

/// The latest event of each row: what the node knows of the world.
///
/// `delete` takes a row away, `sync` and events without table or key are about no row, and every other action sets
/// it, known or not, as genuine readers do (docs/dragonflow.md#events). Rows are told apart by table and key, not by
/// topic. Deletes are remembered for ten minutes and more, up to 65,536 of them.
///
/// Of two events of one row, the order does not depend on the path by which they come (live, replay, snapshot, comparison),
/// nor on the clocks of different hosts: the higher version is the later one; without versions the higher number on one
/// stream is; and of two streams the one that was published later by the table's own clock, which [`tick`](Self::tick) sets.
/// A live event is published now; the age of any other is known from its publisher's clock ([`clock`](Self::clock)).
///
/// ```
/// use std::sync::Arc;
/// use table::Table;
/// use pubsub_api::{Action, Event, SEND_ALL};
///
/// let mut table = Table::default();
/// table.apply(&Arc::new(Event::new("lport", "p1", Action::Create, "v1", SEND_ALL)));
/// table.apply(&Arc::new(Event::new("lport", "p1", Action::Set, "v2", SEND_ALL)));
/// assert_eq!(table.get("lport", "p1").map(|event| event.value.clone()), Some("v2".into()));
/// table.apply(&Arc::new(Event::new("lport", "p1", Action::Delete, None, SEND_ALL)));
/// assert!(table.is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Rows that exist, and tombstones.
    latest: HashMap<String, HashMap<String, Row>>,
    /// How many rows exist.
    len: usize,
    tombstones: Tombstones,
    pub(crate) owners: Owners,
    clocks: Clocks,
    pub(crate) now: Duration,
    /// The comparison that is under way.
    comparison: Option<Comparison>,
    absences: Absences<(String, String), SameEvent>,
}

/// The latest event of a row, and when it was published by the table's clock: what a table is restored from.
#[derive(Debug, Clone, PartialEq)]
pub struct DatedEvent {
    /// The event; a delete if the row does not exist.
    pub event: Arc<Event>,
    /// Since whatever the times of [`Table::tick`] count from.
    pub at: Duration,
}

impl Table {
    /// Takes an event of the stream into account.
    pub fn apply(&mut self, event: &Arc<Event>) {
        self.merge(event, DeliveryMode::Live);
    }

    /// Takes an event into account, and returns what became of it.
    pub fn merge(&mut self, event: &Arc<Event>, mode: DeliveryMode) -> Merge {
        let (Some(table), Some(key)) = (&event.table, &event.key) else { return Merge::Applied };
        if event.action == Action::Sync {
            return Merge::Applied;
        }
        let is_live = matches!(mode, DeliveryMode::Live | DeliveryMode::Unverified);
        let at = if is_live { self.now } else { self.published(event) };
        let merged = match self.row(table, key) {
            None => Merge::Applied,
            Some(row) if is_live => merge::live(row, event),
            Some(row) => merge::replayed(row, event, at),
        };
        if merged == Merge::Applied {
            self.put(table, key, event, at);
        }
        merged
    }

    /// Sets the table's clock, which counts from anywhere and never goes back. Deletes that came more than ten minutes ago are
    /// forgotten. An event has the time of the tick before it.
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
        self.forget();
    }

    /// A publisher's clock was read just now: events of it that are replayed or come in a snapshot are as old as their stamps
    /// are by this clock.
    pub fn clock(&mut self, clock: PublisherClock) {
        self.clocks.note(clock, self.now);
    }

    /// A table as it was, whose clock shows `now`. Deletes are remembered for ten minutes from now on.
    #[must_use]
    pub fn restored(now: Duration, rows: impl IntoIterator<Item = DatedEvent>) -> Self {
        let mut table = Self { now, ..Self::default() };
        for DatedEvent { event, at } in rows {
            if let (Some(name), Some(key)) = (&event.table, &event.key) {
                table.put(name, key, &event, at.min(now));
            }
        }
        table
    }

    /// What a table can be [restored](Self::restored) from, in no particular order.
    pub fn dated(&self) -> impl Iterator<Item = DatedEvent> {
        let rows = self.latest.values().flat_map(HashMap::values);
        rows.map(|Row { event, at }| DatedEvent { event: Arc::clone(event), at: *at })
    }

    /// The latest event of a row that exists.
    #[must_use]
    pub fn get(&self, table: &str, key: &str) -> Option<&Arc<Event>> {
        self.latest_event(table, key).filter(|row| exists(row))
    }

    /// The latest event of a row that exists, or the delete of one that does not, if it is remembered.
    #[must_use]
    pub fn latest_event(&self, table: &str, key: &str) -> Option<&Arc<Event>> {
        self.row(table, key).map(|row| &row.event)
    }

    fn row(&self, table: &str, key: &str) -> Option<&Row> {
        self.latest.get(table)?.get(key)
    }

    /// When an event that was asked for was published, by the table's clock.
    fn published(&self, event: &Event) -> Duration {
        self.clocks.published(event, self.now)
    }

    /// Every row's latest event, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.with_tombstones().filter(|row| exists(row))
    }

    /// As [`iter`](Self::iter), and the deletes that are remembered.
    pub fn with_tombstones(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.latest.values().flat_map(HashMap::values).map(|row| &row.event)
    }

    /// As [`with_tombstones`](Self::with_tombstones), of one table.
    pub fn with_tombstones_of(&self, table: &str) -> impl Iterator<Item = &Arc<Event>> {
        self.latest.get(table).into_iter().flat_map(HashMap::values).map(|row| &row.event)
    }

    /// How many rows exist.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no row exists.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes `event`, which was published at `at`, the row's latest, whatever that was.
    fn put(&mut self, table: &str, key: &str, event: &Arc<Event>, at: Duration) {
        let event = remembered(event);
        if let Some(comparison) = &mut self.comparison {
            comparison.touch(table, key);
        }
        if !self.latest.contains_key(table) {
            self.latest.insert(table.to_owned(), HashMap::new());
        }
        let Some(rows) = self.latest.get_mut(table) else { return };
        let row = Row { event: Arc::clone(&event), at };
        let old = match rows.get_mut(key) {
            Some(old) => Some(std::mem::replace(old, row)),
            None => rows.insert(key.to_owned(), row),
        };
        let old = old.as_ref().map(|row| &*row.event);
        self.len += usize::from(exists(&event));
        self.len -= usize::from(old.is_some_and(exists));
        self.owners.moved(old, Some(&event));
        if !exists(&event) {
            self.tombstones.add(self.now, &event);
            self.forget();
        }
    }

    /// Forgets the deletes whose time has come, but for those whose row has another latest event by now.
    fn forget(&mut self) {
        while let Some(delete) = self.tombstones.expired(self.now) {
            let (Some(table), Some(key)) = (&delete.table, &delete.key) else { continue };
            let Some(rows) = self.latest.get_mut(table) else { continue };
            if rows.get(key).is_some_and(|row| Arc::ptr_eq(&row.event, &delete)) {
                rows.remove(key);
                if rows.is_empty() {
                    self.latest.remove(table);
                }
            }
        }
    }
}

/// A table of events that were the latest of their rows, tombstones among them.
impl FromIterator<Arc<Event>> for Table {
    fn from_iter<I: IntoIterator<Item = Arc<Event>>>(events: I) -> Self {
        let mut table = Self::default();
        events.into_iter().for_each(|event| table.apply(&event));
        table
    }
}

fn exists(row: &Event) -> bool {
    row.action != Action::Delete
}

/// A delete is remembered by its names only, whatever value its author gave it.
fn remembered(event: &Arc<Event>) -> Arc<Event> {
    if exists(event) || event.value == Value::Nil {
        return Arc::clone(event);
    }
    Arc::new(Event { value: Value::Nil, ..Event::clone(event) })
}
