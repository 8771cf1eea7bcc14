use std::collections::HashSet;
use std::time::{Duration, Instant};

use table::{AbsenceRule, Absences, Absent, Judged};

use crate::table_copy::{Change, Digest, PolledRows, TableCopy};

/// Holds back deletions until a further poll confirms them.
#[derive(Debug)]
pub(crate) struct DeleteGuard {
    started: Instant,
    absences: Absences<String, Digest>,
    is_holding: bool,
}

/// The changes that a poll may publish.
#[derive(Debug)]
pub(crate) struct ConfirmedChanges {
    pub(crate) changes: Vec<Change>,
    /// Whether deletions are held back because there are too many.
    pub(crate) is_held: bool,
}

/// The next poll confirms. The other two values are the defaults of `agent.sync_max_delete_percent` and
/// `agent.sync_mass_delete_after`, which agents apply to the same rows.
const RULE: AbsenceRule =
    AbsenceRule { confirm_after: Duration::ZERO, max_percent: 50, mass_after: Duration::from_secs(600) };

impl Default for DeleteGuard {
    fn default() -> Self {
        Self { started: Instant::now(), absences: Absences::default(), is_holding: false }
    }
}

impl DeleteGuard {
    /// The changes to publish after a poll of `table` that began at `began` and read `found`.
    pub(crate) fn confirmed(
        &mut self,
        table: &str,
        copy: &TableCopy,
        found: PolledRows,
        began: Instant,
    ) -> ConfirmedChanges {
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
                id = "SK0808",
                "table {table} lacks {absent} of the {of} published rows: holding back their `delete` events until they \
                 are still missing {:?} after the first poll",
                RULE.mass_after
            );
        }
        self.is_holding = is_held;
        ConfirmedChanges { changes, is_held }
    }
}
