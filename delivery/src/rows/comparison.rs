use std::collections::HashSet;
use std::sync::Arc;

use pubsub_api::{Action, Event, Stamp, Topic, Value};

use super::Table;
use super::differences::value_of;

/// Who has written the rows that a comparison with the database has set or deleted: no publisher has this id.
pub const DATABASE: u64 = 0;

/// A row as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseRow {
    /// Its table.
    pub table: String,
    /// Its key.
    pub key: String,
    /// The topic on which its changes are published.
    pub topic: Topic,
    /// What it holds.
    pub value: String,
    /// The version of the object that it holds.
    pub version: Option<u64>,
}

/// What a comparison has changed in a [`Table`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// The events to hand on, each of another row; deletes last. They have no stamp, since nobody published them.
    pub events: Vec<Arc<Event>>,
    /// How many rows differed and stayed as events had told of them meanwhile.
    pub kept: usize,
}

/// A full sync: the table is made equal to the database, but for what events have told since it was read (dragonflow-pubsub.md
/// 7.3, 14 D26).
///
/// Every write comes before its event. So what the database holds is at least as new as each event that came before it was
/// read, and it decides; of a row that was told of since, the higher version stays, or else what was told.
impl Table {
    /// Notes from now on which rows are told of. Call it before the database is read, and [`compare`](Self::compare) or
    /// [`forget_comparison`](Self::forget_comparison) after it.
    pub fn begin_comparison(&mut self) {
        self.touched = Some(HashSet::new());
    }

    /// The database could not be read: notes nothing more.
    pub fn forget_comparison(&mut self) {
        self.touched = None;
    }

    /// Takes over what the database holds, all of `rows`; rows that it does not have are deleted, if `covers` says of their
    /// latest event that it would have them. `read_at` is when reading began, by the wall clock in microseconds: older events
    /// that are replayed do not replace what is set or deleted here.
    ///
    /// A value that is the same JSON, written otherwise, is no difference.
    pub fn compare(
        &mut self,
        rows: &[DatabaseRow],
        read_at: u64,
        covers: impl Fn(&Event) -> bool,
    ) -> Compared {
        let touched = self.touched.take().unwrap_or_default();
        let is_touched = |table: &str, key: &str| touched.contains(&(table.to_owned(), key.to_owned()));
        let stamp = Stamp { publisher: DATABASE, epoch: 0, sequence: 0, time_us: read_at };
        let mut compared = Compared::default();
        let mut named = HashSet::with_capacity(rows.len());
        for row in rows {
            named.insert((row.table.as_str(), row.key.as_str()));
            let before = self.latest_event(&row.table, &row.key);
            if before.is_some_and(|before| is_same(before, row)) {
                continue;
            }
            if let Some(before) = before
                && is_touched(&row.table, &row.key)
                && !is_later(row, before)
            {
                compared.kept += 1;
                continue;
            }
            let action = if before.is_some_and(|before| value_of(before).is_some()) {
                Action::Set
            } else {
                Action::Create
            };
            let event = Event {
                version: row.version,
                ..Event::new(row.table.clone(), row.key.clone(), action, row.value.clone(), row.topic.clone())
            };
            compared.events.push(Arc::new(event.clone()));
            self.put(&row.table, &row.key, &Arc::new(Event { stamp: Some(stamp), ..event }));
        }
        let mut absent = self.not_named(&named, covers);
        absent.retain(|row| {
            let is_kept =
                matches!((&row.table, &row.key), (Some(table), Some(key)) if is_touched(table, key));
            compared.kept += usize::from(is_kept);
            !is_kept
        });
        compared.events.extend(absent.iter().map(|row| self.bury_at(row, stamp)));
        compared
    }

    /// The rows that exist, are covered, and are not `named`, in the order of their names.
    fn not_named(&self, named: &HashSet<(&str, &str)>, covers: impl Fn(&Event) -> bool) -> Vec<Arc<Event>> {
        let is_named = |row: &Event| match (&row.table, &row.key) {
            (Some(table), Some(key)) => named.contains(&(table.as_str(), key.as_str())),
            _ => true,
        };
        let mut absent: Vec<Arc<Event>> =
            self.iter().filter(|row| !is_named(row) && covers(row)).map(Arc::clone).collect();
        absent.sort_by_cached_key(|row| (row.table.clone(), row.key.clone()));
        absent
    }

    /// Deletes a row that the database does not have; the event to hand on.
    fn bury_at(&mut self, row: &Arc<Event>, stamp: Stamp) -> Arc<Event> {
        let delete = Event {
            action: Action::Delete,
            value: Value::Nil,
            stamp: None,
            version: None,
            ..Event::clone(row)
        };
        if let (Some(table), Some(key)) = (&row.table, &row.key) {
            // Without a version: the next object of this key begins at 1.
            self.put(table, key, &Arc::new(Event { stamp: Some(stamp), ..delete.clone() }));
        }
        Arc::new(delete)
    }
}

/// Whether a row holds what the database does; writers differ in blanks and in the order of fields.
fn is_same(before: &Event, row: &DatabaseRow) -> bool {
    let Some(Value::Text(has)) = value_of(before) else { return false };
    let parsed = |json: &str| serde_json::from_str::<serde_json::Value>(json).ok();
    *has == row.value || parsed(has).is_some_and(|has| parsed(&row.value) == Some(has))
}

fn is_later(row: &DatabaseRow, before: &Event) -> bool {
    matches!((row.version, before.version), (Some(comes), Some(has)) if comes > has)
}
