mod bounded;
mod compared;
mod differences;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use delivery::subscriber::{DeliveryMode, PublisherClock};
use foldhash::quality::RandomState;
use pubsub_api::{Action, Event, Value};

use crate::absences::Absences;
use crate::clocks::Clocks;
use crate::comparison::Comparison;
use crate::merge::{self, Merge};
use crate::owners::Owners;
use crate::room::Room;
use crate::row::{Row, exists};
use crate::same_event::SameEvent;
use crate::tombstones::Tombstones;
pub use compared::{Compared, DATABASE, DatabaseRow};
pub use differences::Differences;

/// The latest event of each row: the node's view of the database.
///
/// `delete` removes a row, `sync` and events without table or key concern no row, and every other action, known or not,
/// sets the row, as in Dragonflow's readers (docs/dragonflow.md#events). Table and key identify a row, not its topic.
/// Deletes are remembered for at least ten minutes, at most 65,536 of them: above that, the oldest are forgotten.
///
/// The memory of the rows has a [bound](Self::set_bound). Above it, an event that needs more memory than its row has is
/// refused, and the row stays as it is; what needs less, and deletes, are applied. The caller must report what was
/// refused, and request it again when [`has_room`](Self::has_room) returns true.
///
/// The order of two events of one row does not depend on their path (live, replay, snapshot, comparison), nor on the
/// clocks of different hosts: the higher version is the later one; without versions, on one stream the higher sequence
/// is; and of two streams, the event that was published later by the table's own clock, which [`tick`](Self::tick)
/// sets. A live event is published now; the clock of its publisher ([`clock`](Self::clock)) determines the age of any
/// other.
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
    /// The rows that exist, and tombstones.
    latest: HashMap<String, Rows, RandomState>,
    /// The number of rows that exist.
    len: usize,
    tombstones: Tombstones,
    pub(crate) owners: Owners,
    clocks: Clocks,
    pub(crate) now: Duration,
    /// The comparison in progress.
    comparison: Option<Comparison>,
    absences: Absences<(String, String), SameEvent>,
    room: Room,
}

/// The rows of one table by their keys.
type Rows = HashMap<String, Row, RandomState>;

/// The latest event of a row, and its time of publication by the table's clock: a table is restored from these.
#[derive(Debug, Clone, PartialEq)]
pub struct DatedEvent {
    /// The event; a delete if the row does not exist.
    pub event: Arc<Event>,
    /// The time, counted from the same instant as in [`Table::tick`].
    pub at: Duration,
}

impl Table {
    /// Merges an event of the stream.
    pub fn apply(&mut self, event: &Arc<Event>) {
        self.merge(event, DeliveryMode::Live);
    }

    /// Merges an event, and returns its effect.
    ///
    /// An event without table or key, and a `sync` event, concern no row: they are always `Applied`, and the table does
    /// not change.
    pub fn merge(&mut self, event: &Arc<Event>, mode: DeliveryMode) -> Merge {
        let (Some(table), Some(key)) = (&event.table, &event.key) else { return Merge::Applied };
        if event.action == Action::Sync {
            return Merge::Applied;
        }
        let is_live = matches!(mode, DeliveryMode::Live | DeliveryMode::Unverified);
        let at = if is_live { self.now } else { self.published(event) };
        let Some(row) = self.latest.get_mut(table).and_then(|rows| rows.get_mut(key)) else {
            if !self.room.fits(None, event) {
                return Merge::Refused;
            }
            self.put(table, key, event, at);
            return Merge::Applied;
        };
        let merged = if is_live { merge::live(row, event) } else { merge::replayed(row, event, at) };
        let is_next_object = || {
            // The database did not have the row: its delete was missed, and versions start again after it.
            let (name, has) = ((table.clone(), key.clone()), SameEvent(Arc::clone(&row.event)));
            is_live && self.absences.lacks(&name, &has)
        };
        if merged != Merge::Applied && !(merged == Merge::Superseded && is_next_object()) {
            return merged;
        }
        if !self.room.fits(Some(&row.event), event) {
            return Merge::Refused;
        }
        let old = std::mem::replace(row, Row { event: remembered(event), at });
        self.moved(Some(&old.event), event);
        Merge::Applied
    }

    /// Sets the table's clock, which counts from any instant and never goes back. Forgets deletes that came more than
    /// ten minutes ago. An event has the time of the tick before it.
    ///
    /// ```
    /// use pubsub_api::{Action, Event, SEND_ALL};
    /// use std::{sync::Arc, time::Duration};
    /// use table::Table;
    ///
    /// let mut table = Table::default();
    /// table.apply(&Arc::new(Event::new("lport", "p1", Action::Delete, None, SEND_ALL)));
    /// assert!(table.get("lport", "p1").is_none());
    /// assert!(table.latest_event("lport", "p1").is_some(), "an older event must not bring the row back");
    /// table.tick(Duration::from_secs(601));
    /// assert!(table.latest_event("lport", "p1").is_none(), "forgotten after ten minutes");
    /// ```
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
        self.forget();
    }

    /// Notes a publisher's clock, which was read just now: it determines the age of the events of this publisher that
    /// come in a replay or a snapshot.
    pub fn clock(&mut self, clock: PublisherClock) {
        self.clocks.note(clock, self.now);
    }

    /// Restores a table whose clock shows `now`. Deletes are remembered for ten minutes from now on.
    ///
    /// A time after `now` counts as `now`.
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

    /// Iterates over the events from which a table can be [restored](Self::restored), in no particular order.
    pub fn dated(&self) -> impl Iterator<Item = DatedEvent> {
        let rows = self.latest.values().flat_map(Rows::values);
        rows.map(|Row { event, at }| DatedEvent { event: Arc::clone(event), at: *at })
    }

    /// Returns the latest event of a row that exists.
    #[must_use]
    pub fn get(&self, table: &str, key: &str) -> Option<&Arc<Event>> {
        self.latest_event(table, key).filter(|row| exists(row))
    }

    /// Returns the latest event of a row that exists, or the remembered delete of one that does not.
    #[must_use]
    pub fn latest_event(&self, table: &str, key: &str) -> Option<&Arc<Event>> {
        self.row(table, key).map(|row| &row.event)
    }

    fn row(&self, table: &str, key: &str) -> Option<&Row> {
        self.latest.get(table)?.get(key)
    }

    /// Returns when a requested event was published, by the table's clock.
    fn published(&self, event: &Event) -> Duration {
        self.clocks.published(event, self.now)
    }

    /// Iterates over the latest event of every row, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.with_tombstones().filter(|row| exists(row))
    }

    /// As [`iter`](Self::iter), with the remembered deletes.
    pub fn with_tombstones(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.latest.values().flat_map(Rows::values).map(|row| &row.event)
    }

    /// As [`with_tombstones`](Self::with_tombstones), for one table.
    pub fn with_tombstones_of(&self, table: &str) -> impl Iterator<Item = &Arc<Event>> {
        self.latest.get(table).into_iter().flat_map(Rows::values).map(|row| &row.event)
    }

    /// Returns the number of rows that exist.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether no row exists.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes `event`, which was published at `at`, the latest one of the row, whatever the previous one was. It must
    /// [fit](Self::fits).
    fn put(&mut self, table: &str, key: &str, event: &Arc<Event>, at: Duration) {
        if !self.latest.contains_key(table) {
            self.latest.insert(table.to_owned(), Rows::default());
        }
        let Some(rows) = self.latest.get_mut(table) else { return };
        let row = Row { event: remembered(event), at };
        let old = match rows.get_mut(key) {
            Some(old) => Some(std::mem::replace(old, row)),
            None => rows.insert(key.to_owned(), row),
        };
        self.moved(old.as_ref().map(|row| &*row.event), event);
    }

    /// Notes that the latest event of a row was `old`, and is now `event`.
    fn moved(&mut self, old: Option<&Event>, event: &Arc<Event>) {
        let (Some(table), Some(key)) = (&event.table, &event.key) else { return };
        if let Some(comparison) = &mut self.comparison {
            comparison.touch(table, key);
        }
        let exists_now = exists(event);
        self.len += usize::from(exists_now);
        self.len -= usize::from(old.is_some_and(exists));
        self.owners.moved(old, Some(event));
        if exists_now {
            self.room.replace(old, Some(event));
        } else {
            let delete = self.latest_event(table, key).map_or_else(|| remembered(event), Arc::clone);
            self.room.replace(old, Some(&delete));
            self.tombstones.add(self.now, &delete);
            self.forget();
        }
    }

    /// Forgets the deletes that have expired, except those whose row has another latest event by now.
    fn forget(&mut self) {
        while let Some(delete) = self.tombstones.expired(self.now) {
            let (Some(table), Some(key)) = (&delete.table, &delete.key) else { continue };
            let Some(rows) = self.latest.get_mut(table) else { continue };
            if rows.get(key).is_some_and(|row| Arc::ptr_eq(&row.event, &delete)) {
                rows.remove(key);
                self.room.replace(Some(&delete), None);
                if rows.is_empty() {
                    self.latest.remove(table);
                }
            }
        }
    }
}

/// Builds a table from the latest events of its rows, including tombstones.
impl FromIterator<Arc<Event>> for Table {
    fn from_iter<I: IntoIterator<Item = Arc<Event>>>(events: I) -> Self {
        let mut table = Self::default();
        events.into_iter().for_each(|event| table.apply(&event));
        table
    }
}

/// Returns the delete without its value: only its names are remembered.
fn remembered(event: &Arc<Event>) -> Arc<Event> {
    if exists(event) || event.value == Value::Nil {
        return Arc::clone(event);
    }
    Arc::new(Event { value: Value::Nil, ..Event::clone(event) })
}
