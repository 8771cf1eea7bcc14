use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Action, Event, Stamp, Topic, Value};

use super::Table;
use crate::absences::{AbsenceRule, Absent, Judged};
use crate::comparison::Comparison;
use crate::row::value_of;
use crate::same_event::SameEvent;

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
    /// The number of rows that the database does not have, and that stay until another reading agrees.
    pub unconfirmed: usize,
    /// Whether these are so many that they wait longer ([`AbsenceRule`]).
    pub is_held: bool,
    /// When the next reading may begin that deletes one of them, by the table's clock.
    pub read_again_at: Option<Duration>,
}

/// A full sync: the table is made equal to the database, but for what events have told since it was read
/// (docs/dragonflow.md#writes-and-full-sync, docs/dragonflow.md#d26).
///
/// Every write comes before its event. So what the database holds is at least as new as each event that came before it was
/// read, and it decides; of a row that was told of since, the higher version stays, or else what was told. What it does not
/// hold is deleted by a later reading that agrees ([`AbsenceRule`]).
impl Table {
    /// Notes from now on which rows are told of. Call it before the database is read, and [`compare`](Self::compare) or
    /// [`forget_comparison`](Self::forget_comparison) after it; each of them after a [`tick`](Self::tick).
    pub fn begin_comparison(&mut self) {
        self.comparison = Some(Comparison { began: self.now, touched: HashSet::new() });
    }

    /// The database could not be read: notes nothing more.
    pub fn forget_comparison(&mut self) {
        self.comparison = None;
    }

    /// Takes over what the database holds, all of `rows`; rows that it does not have are deleted as `rule` says, if `covers`
    /// says of their latest event that it would have them. `read_at` is the wall clock when reading began, in microseconds, for
    /// the stamps of what is set or deleted here. Events that were published before reading began and are replayed later do
    /// not replace it.
    ///
    /// A value that is the same JSON, written otherwise, is no difference.
    pub fn compare(
        &mut self,
        rows: &[DatabaseRow],
        read_at: u64,
        rule: AbsenceRule,
        covers: impl Fn(&Event) -> bool,
    ) -> Compared {
        let comparison = self.comparison.take();
        let comparison = comparison.unwrap_or(Comparison { began: self.now, touched: HashSet::new() });
        let stamp = Stamp { publisher: DATABASE, epoch: 0, sequence: 0, time_us: read_at };
        let mut compared = Compared::default();
        let named: HashSet<(&str, &str)> =
            rows.iter().map(|row| (row.table.as_str(), row.key.as_str())).collect();
        let covered = self.iter().filter(|row| covers(row)).count();
        let mut absent = self.not_named(&named, covers);
        for row in rows {
            match self.difference(row, &comparison) {
                Difference::None => {}
                Difference::Kept => compared.kept += 1,
                Difference::Event(event) => {
                    let stamped = Arc::new(Event { stamp: Some(stamp), ..event.clone() });
                    compared.events.push(Arc::new(event));
                    self.put(&row.table, &row.key, &stamped, comparison.began);
                }
            }
        }
        let (before, began) = (absent.len(), comparison.began);
        absent.retain(|row| !comparison.is_touched(row));
        compared.kept += before - absent.len();
        let rows = absent.into_iter().filter_map(|row| Some((name_of(&row)?, SameEvent(row)))).collect();
        let absent = Absent { rows, of: covered, began, now: self.now };
        let Judged { gone, waiting, is_held, next } = self.absences.judge(absent, rule);
        let gone = gone.iter().filter_map(|(table, key)| self.get(table, key).cloned());
        let gone: Vec<Arc<Event>> = gone.collect();
        compared.events.extend(gone.iter().map(|row| self.bury_at(row, stamp, began)));
        Compared { unconfirmed: waiting, is_held, read_again_at: next, ..compared }
    }

    /// The number of rows that the last reading of the database did not find, and that stay until another one agrees.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.absences.waiting()
    }

    /// What the database has of a row that the table does not.
    fn difference(&self, row: &DatabaseRow, comparison: &Comparison) -> Difference {
        let before = self.latest_event(&row.table, &row.key);
        if before.is_some_and(|before| is_same(before, row)) {
            return Difference::None;
        }
        if let Some(before) = before
            && comparison.is_touched(before)
            && !is_later(row, before)
        {
            return Difference::Kept;
        }
        let exists = before.is_some_and(|before| value_of(before).is_some());
        let action = if exists { Action::Set } else { Action::Create };
        Difference::Event(Event {
            version: row.version,
            ..Event::new(row.table.clone(), row.key.clone(), action, row.value.clone(), row.topic.clone())
        })
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
    fn bury_at(&mut self, row: &Arc<Event>, stamp: Stamp, at: Duration) -> Arc<Event> {
        let delete = Event {
            action: Action::Delete,
            value: Value::Nil,
            stamp: None,
            version: None,
            ..Event::clone(row)
        };
        if let (Some(table), Some(key)) = (&row.table, &row.key) {
            // Without a version: the next object of this key begins at 1.
            self.put(table, key, &Arc::new(Event { stamp: Some(stamp), ..delete.clone() }), at);
        }
        Arc::new(delete)
    }
}

fn name_of(row: &Event) -> Option<(String, String)> {
    Some((row.table.clone()?, row.key.clone()?))
}

/// How a row of the table differs from the database.
enum Difference {
    None,
    /// It does, and an event told of it meanwhile.
    Kept,
    /// This makes it equal.
    Event(Event),
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
