use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Action, Event, Stamp, Topic, Value};

use super::Table;
use crate::absences::{AbsenceRule, Absent, Judged};
use crate::comparison::Comparison;
use crate::row::value_of;
use crate::same_event::SameEvent;

/// The publisher id of rows that a comparison with the database has set or deleted: no publisher has this id.
pub const DATABASE: u64 = 0;

/// A row of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseRow {
    /// Its table.
    pub table: String,
    /// Its key.
    pub key: String,
    /// The topic on which its changes are published.
    pub topic: Topic,
    /// Its value.
    pub value: String,
    /// The version of the object in the value.
    pub version: Option<u64>,
}

/// The result of a comparison: the changes in a [`Table`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// The events to pass on, each of another row; deletes last. They have no stamp, because no publisher sent them.
    pub events: Vec<Arc<Event>>,
    /// The number of rows that differed and stayed, because an event changed them during the comparison.
    pub kept: usize,
    /// The number of rows that differed and stayed, because the bound of the table has no room for those of the database.
    pub no_room: usize,
    /// The number of rows that the database does not have, and that stay until another reading agrees.
    pub unconfirmed: usize,
    /// Whether these are too many to delete at once ([`AbsenceRule`]).
    pub is_held: bool,
    /// The earliest time at which a reading may begin that deletes one of them, by the table's clock.
    pub read_again_at: Option<Duration>,
}

/// A full sync: the table is made equal to the database, except for events that arrived since it was read
/// (docs/dragonflow.md#writes-and-full-sync, docs/dragonflow.md#d26).
///
/// Every write precedes its event. So the database is at least as new as each event that arrived before it was read,
/// and it decides. For a row that had an event since, the higher version stays, or else the event. A row that the
/// database does not have is deleted by a later reading that agrees ([`AbsenceRule`]).
impl Table {
    /// Starts to note which rows have events. Call it before the database is read, and [`compare`](Self::compare) or
    /// [`forget_comparison`](Self::forget_comparison) after it; call [`tick`](Self::tick) before each of them.
    pub fn begin_comparison(&mut self) {
        self.comparison = Some(Comparison { began: self.now, touched: HashSet::new() });
    }

    /// Ends the comparison without a result, if the database could not be read: no rows are noted any more.
    pub fn forget_comparison(&mut self) {
        self.comparison = None;
    }

    /// Applies the content of the database, which is `rows`. Rows that it does not have are deleted by `rule`, if
    /// `covers` returns true for their latest event: the database would have them. `read_at` is the wall clock when
    /// reading began, in microseconds, for the stamps of rows that are set or deleted here. An event that was published
    /// before reading began and is replayed later does not replace them.
    ///
    /// Two values that are the same JSON in another form do not differ.
    ///
    /// ```
    /// use pubsub_api::{Action, Event, SEND_ALL};
    /// use std::{sync::Arc, time::Duration};
    /// use table::{AbsenceRule, DatabaseRow, Table};
    ///
    /// let mut table = Table::default();
    /// for key in ["p1", "p2"] {
    ///     table.apply(&Arc::new(Event::new("lport", key, Action::Create, "old", SEND_ALL)));
    /// }
    /// table.begin_comparison();
    /// let rows = [DatabaseRow {
    ///     table: "lport".to_owned(),
    ///     key: "p1".to_owned(),
    ///     topic: SEND_ALL,
    ///     value: "new".to_owned(),
    ///     version: None,
    /// }];
    /// let seconds = Duration::from_secs;
    /// let rule = AbsenceRule { confirm_after: seconds(5), max_percent: 50, mass_after: seconds(600) };
    /// let compared = table.compare(&rows, 0, rule, |_| true);
    /// assert_eq!(compared.events.len(), 1, "p1 has another value");
    /// assert_eq!(compared.unconfirmed, 1, "p2 is absent, and stays until another reading agrees");
    /// ```
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
        let named: HashSet<(&str, &str)> =
            rows.iter().map(|row| (row.table.as_str(), row.key.as_str())).collect();
        let covered = self.iter().filter(|row| covers(row)).count();
        let mut absent = self.not_named(&named, covers);
        let mut compared = self.take_over(rows, &comparison, stamp);
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

    /// Takes over the rows of the database that differ.
    fn take_over(&mut self, rows: &[DatabaseRow], comparison: &Comparison, stamp: Stamp) -> Compared {
        let mut compared = Compared::default();
        for row in rows {
            match self.difference(row, comparison) {
                Difference::None => {}
                Difference::Kept => compared.kept += 1,
                Difference::Event(event) => {
                    let stamped = Arc::new(Event { stamp: Some(stamp), ..event.clone() });
                    if !self.fits(&row.table, &row.key, &stamped) {
                        compared.no_room += 1;
                        continue;
                    }
                    compared.events.push(Arc::new(event));
                    self.put(&row.table, &row.key, &stamped, comparison.began);
                }
            }
        }
        compared
    }

    /// Returns the number of rows that the last reading of the database did not find, and that stay until another one
    /// agrees.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.absences.waiting()
    }

    /// Returns how the database's row differs from that of the table.
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

    /// Returns the rows that exist, are covered, and are not `named`, in the order of their names.
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

    /// Deletes a row that the database does not have, and returns the event to pass on.
    fn bury_at(&mut self, row: &Arc<Event>, stamp: Stamp, at: Duration) -> Arc<Event> {
        let delete = Event {
            action: Action::Delete,
            value: Value::Nil,
            stamp: None,
            version: None,
            ..Event::clone(row)
        };
        if let (Some(table), Some(key)) = (&row.table, &row.key) {
            // Without a version, because the next object of this key begins at 1.
            self.put(table, key, &Arc::new(Event { stamp: Some(stamp), ..delete.clone() }), at);
        }
        Arc::new(delete)
    }
}

fn name_of(row: &Event) -> Option<(String, String)> {
    Some((row.table.clone()?, row.key.clone()?))
}

/// The difference between a row of the table and the database.
enum Difference {
    None,
    /// The row differs, and an event changed it during the comparison.
    Kept,
    /// The row differs; this event makes it equal.
    Event(Event),
}

/// Whether a row has the value of the database; writers differ in blanks and in the order of fields.
fn is_same(before: &Event, row: &DatabaseRow) -> bool {
    let Some(Value::Text(has)) = value_of(before) else { return false };
    let parsed = |json: &str| serde_json::from_str::<serde_json::Value>(json).ok();
    *has == row.value || parsed(has).is_some_and(|has| parsed(&row.value) == Some(has))
}

fn is_later(row: &DatabaseRow, before: &Event) -> bool {
    matches!((row.version, before.version), (Some(comes), Some(has)) if comes > has)
}
