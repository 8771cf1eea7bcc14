use std::collections::HashSet;
use std::time::{Duration, Instant};

use delivery::rows::{AbsenceRule, Absences, Absent, Judged};

use crate::table_copy::{Change, Digest, Found, TableCopy};

/// Holds back the deletions of which one poll alone is the evidence.
#[derive(Debug)]
pub(crate) struct DeleteGuard {
    started: Instant,
    absences: Absences<String, Digest>,
    is_holding: bool,
}

/// What a poll found to be published.
#[derive(Debug)]
pub(crate) struct Confirmed {
    pub(crate) changes: Vec<Change>,
    /// Whether deletions are held back since they are many.
    pub(crate) is_held: bool,
}

/// The next poll confirms. The other two values are the defaults of `agent.sync_max_delete_percent` and
/// `agent.sync_mass_delete_after`, by which agents judge the same rows.
const RULE: AbsenceRule =
    AbsenceRule { confirm_after: Duration::ZERO, max_percent: 50, mass_after: Duration::from_secs(600) };

impl Default for DeleteGuard {
    fn default() -> Self {
        Self { started: Instant::now(), absences: Absences::default(), is_holding: false }
    }
}

impl DeleteGuard {
    /// What is to be published of a poll of `table` that began then, and found this.
    pub(crate) fn confirmed(
        &mut self,
        table: &str,
        copy: &TableCopy,
        found: Found,
        began: Instant,
    ) -> Confirmed {
        let mut changes = copy.changes(table, found);
        let missing = |change: &Change| {
            let key = change.deleted_key()?;
            Some((key.to_owned(), *copy.rows.get(key)?))
        };
        let rows: Vec<_> = changes.iter().filter_map(missing).collect();
        let (absent, of) = (rows.len(), copy.rows.len());
        let began = began.saturating_duration_since(self.started);
        let absences = Absent { rows, of, began, now: self.started.elapsed() };
        let Judged { gone, is_held, .. } = self.absences.judge(absences, RULE);
        let gone: HashSet<String> = gone.into_iter().collect();
        changes.retain(|change| change.deleted_key().is_none_or(|key| gone.contains(key)));
        if is_held && !self.is_holding {
            tracing::warn!(
                "table {table} lacks {absent} of the {of} rows that were published: no `delete` is published unless it \
                 still lacks them {:?} after the first poll",
                RULE.mass_after
            );
        }
        self.is_holding = is_held;
        Confirmed { changes, is_held }
    }
}
