use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// When to delete a row that the database does not have.
///
/// One reading proves nothing: the database may have evicted the row, may be a replica that is still loading, or may
/// have lost everything. So a row is deleted only if every reading since the first one that did not find it agrees, and
/// the last of them began at least `confirm_after` later. If more than `max_percent` of the rows are absent, or all of
/// them, the database has more likely lost them than deleted them without events: then `mass_after` replaces
/// `confirm_after`, for all absent rows.
///
/// The share is ignored up to ten absent rows, so that a small table can lose most of its rows in the ordinary way; and
/// a table of one row is never considered empty by a fault.
///
/// ```
/// use std::time::Duration;
/// use table::{AbsenceRule, Absences, Absent};
///
/// let seconds = Duration::from_secs;
/// let rule = AbsenceRule { confirm_after: seconds(5), max_percent: 50, mass_after: seconds(600) };
/// let mut absences = Absences::default();
/// let reading = |at| Absent { rows: vec![("port-1", "v1")], of: 100, began: seconds(at), now: seconds(at) };
///
/// let first = absences.judge(reading(0), rule);
/// assert_eq!((first.gone.len(), first.waiting, first.next), (0, 1, Some(seconds(5))));
/// assert_eq!(absences.judge(reading(5), rule).gone, ["port-1"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbsenceRule {
    /// The minimum time from the first reading to the one that confirms it.
    pub confirm_after: Duration,
    /// The maximum share of the rows that may be absent in the ordinary way, in percent; with 100, all may.
    pub max_percent: u8,
    /// The minimum time from the first reading to the one that confirms it, if more than that share is absent.
    pub mass_after: Duration,
}

/// The number of absent rows up to which the share is ignored.
const FEW: usize = 10;

/// The rows that readings of a database did not find, and since when. It has no clock: the caller supplies the time.
///
/// `Name` identifies a row; `Row` is its content when it was first missed: a row that changes starts its waiting again.
#[derive(Debug, Clone)]
pub struct Absences<Name, Row> {
    since: HashMap<Name, (Row, Duration)>,
    waiting: usize,
}

/// The result of a reading: the rows that it did not find.
#[derive(Debug)]
pub struct Absent<Name, Row> {
    /// The rows.
    pub rows: Vec<(Name, Row)>,
    /// The number of rows that the reading could have found.
    pub of: usize,
    /// When the reading began, on any clock that never goes back.
    pub began: Duration,
    /// The time, on the same clock.
    pub now: Duration,
}

/// The decision about absent rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Judged<Name> {
    /// The rows to delete.
    pub gone: Vec<Name>,
    /// The number of rows that wait for another reading.
    pub waiting: usize,
    /// Whether they wait because they are many.
    pub is_held: bool,
    /// When the next reading may begin that deletes one of them.
    pub next: Option<Duration>,
}

impl<Name, Row> Default for Absences<Name, Row> {
    fn default() -> Self {
        Self { since: HashMap::new(), waiting: 0 }
    }
}

impl<Name: Hash + Eq + Clone, Row: PartialEq> Absences<Name, Row> {
    /// Returns the number of rows that wait for another reading.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns whether the last reading did not find this content of a row.
    #[must_use]
    pub fn lacks(&self, name: &Name, row: &Row) -> bool {
        self.since.get(name).is_some_and(|(missed, _)| missed == row)
    }

    /// Decides which absent rows are deleted now, and forgets those that exist again. If a row was to be deleted and is
    /// still absent in the next reading, that reading returns it again.
    pub fn judge(&mut self, absent: Absent<Name, Row>, rule: AbsenceRule) -> Judged<Name> {
        let Absent { rows, of, began, now } = absent;
        let is_mass = rule.is_mass(rows.len(), of);
        let wait = if is_mass { rule.mass_after } else { rule.confirm_after };
        let before = std::mem::take(&mut self.since);
        let (mut gone, mut next) = (Vec::new(), None::<Duration>);
        for (name, row) in rows {
            let first = before.get(&name).filter(|(missed, _)| *missed == row);
            let since = first.map_or(now, |(_, since)| *since);
            if first.is_some() && began >= since + wait {
                gone.push(name.clone());
            } else {
                next = next.into_iter().chain([since + wait]).min();
            }
            self.since.insert(name, (row, since));
        }
        self.waiting = self.since.len() - gone.len();
        Judged { gone, waiting: self.waiting, is_held: is_mass && self.waiting > 0, next }
    }
}

impl AbsenceRule {
    fn is_mass(self, absent: usize, of: usize) -> bool {
        let is_all = self.max_percent < 100 && absent > 1 && absent >= of;
        let share = of.saturating_mul(usize::from(self.max_percent)) / 100;
        is_all || absent > share.max(FEW)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::AbsenceRule;

    #[test]
    fn many_are_more_than_the_share_and_more_than_ten_or_all_of_two_and_more() {
        let second = Duration::from_secs(1);
        let rule = AbsenceRule { confirm_after: second, max_percent: 50, mass_after: second };
        for (absent, of, is_mass) in [
            (0, 0, false),
            (1, 1, false),
            (2, 2, true),
            (10, 11, false),
            (11, 12, true),
            (50, 100, false),
            (51, 100, true),
            (100, 100, true),
        ] {
            assert_eq!(rule.is_mass(absent, of), is_mass, "{absent} of {of}");
        }
        assert!(!AbsenceRule { max_percent: 100, ..rule }.is_mass(100, 100), "the rule is switched off");
    }
}
