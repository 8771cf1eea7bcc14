use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Action, Event, Value};

use super::owners::Owners;
use super::tombstones::Tombstones;
use super::{Merge, merge};
use crate::subscriber::Origin;

/// The latest event of each row: what the node knows of the world.
///
/// `delete` takes a row away, `sync` and events without table or key are about no row, and every other action sets
/// it, known or not, as genuine readers do (dragonflow-pubsub.md 3.1). Rows are told apart by table and key, not by
/// topic. Deletes are remembered for ten minutes and more, up to 65,536 of them, by the time that [`tick`](Self::tick)
/// gives.
///
/// ```
/// use std::sync::Arc;
/// use delivery::rows::Table;
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
    latest: HashMap<String, HashMap<String, Arc<Event>>>,
    /// How many rows exist.
    len: usize,
    tombstones: Tombstones,
    pub(super) owners: Owners,
    now: Duration,
    /// The rows that something was said about since a comparison began, by table and key.
    pub(super) touched: Option<HashSet<(String, String)>>,
}

impl Table {
    /// Takes an event of the stream into account.
    pub fn apply(&mut self, event: &Arc<Event>) {
        self.merge(event, Origin::Live);
    }

    /// Takes an event into account as its origin demands, and says what became of it.
    ///
    /// One of the stream is the row's latest, unless a higher version was told of. A replayed one is so on
    /// its own stream, and else only if it is newer: by version, or else by the time of the stamp.
    pub fn merge(&mut self, event: &Arc<Event>, origin: Origin) -> Merge {
        let (Some(table), Some(key)) = (&event.table, &event.key) else { return Merge::Applied };
        if event.action == Action::Sync {
            return Merge::Applied;
        }
        let merged = match (self.latest_event(table, key), origin) {
            (None, _) => Merge::Applied,
            (Some(row), Origin::Live | Origin::Unverified) => merge::live(row, event),
            (Some(row), Origin::Replay | Origin::Snapshot | Origin::Sync) => merge::replayed(row, event),
        };
        if merged == Merge::Applied {
            self.put(table, key, event);
        }
        merged
    }

    /// Lets the time go on, counted from anywhere: deletes that are older than ten minutes by it are forgotten. A delete has
    /// the time of the tick before it.
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
        self.forget();
    }

    /// The latest event of a row that exists.
    #[must_use]
    pub fn get(&self, table: &str, key: &str) -> Option<&Arc<Event>> {
        self.latest_event(table, key).filter(|row| exists(row))
    }

    /// The latest event of a row that exists, or the delete of one that does not, if it is remembered.
    #[must_use]
    pub fn latest_event(&self, table: &str, key: &str) -> Option<&Arc<Event>> {
        self.latest.get(table)?.get(key)
    }

    /// Every row's latest event, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.with_tombstones().filter(|row| exists(row))
    }

    /// As [`iter`](Self::iter), and the deletes that are remembered.
    pub fn with_tombstones(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.latest.values().flat_map(HashMap::values)
    }

    /// As [`with_tombstones`](Self::with_tombstones), of one table.
    pub fn with_tombstones_of(&self, table: &str) -> impl Iterator<Item = &Arc<Event>> {
        self.latest.get(table).into_iter().flat_map(HashMap::values)
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

    /// Makes `event` the row's latest, whatever that was.
    pub(super) fn put(&mut self, table: &str, key: &str, event: &Arc<Event>) {
        let event = remembered(event);
        if let Some(touched) = &mut self.touched {
            touched.insert((table.to_owned(), key.to_owned()));
        }
        if !self.latest.contains_key(table) {
            self.latest.insert(table.to_owned(), HashMap::new());
        }
        let Some(rows) = self.latest.get_mut(table) else { return };
        let old = match rows.get_mut(key) {
            Some(row) => Some(std::mem::replace(row, Arc::clone(&event))),
            None => rows.insert(key.to_owned(), Arc::clone(&event)),
        };
        self.len += usize::from(exists(&event));
        self.len -= usize::from(old.as_deref().is_some_and(exists));
        self.owners.moved(old.as_deref(), Some(&event));
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
            if rows.get(key).is_some_and(|row| Arc::ptr_eq(row, &delete)) {
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
