use std::fmt;
use std::time::Duration;

use comfy_table::Table;

use super::hosts::Rows;
use super::shown::Shown;

/// The result of the demo.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) rounds: usize,
    pub(super) took: Duration,
    pub(super) rows_of_files: usize,
    /// From the kill until the table was shown as stale; `None` if it never was.
    pub(super) noticed_after: Option<Duration>,
    /// From the announcement of the new start until the table was live.
    pub(super) live_after: Option<Duration>,
    /// From the last change until the shown table was equal.
    pub(super) equal_after: Option<Duration>,
    wanted: usize,
    differing: usize,
    shown: Shown,
}

impl Summary {
    pub(super) fn compare(&mut self, wanted: &Rows, shown: &Shown) {
        let missing_or_different =
            wanted.iter().filter(|(name, row)| shown.rows.get(*name) != Some(*row)).count();
        let only_shown = shown.rows.keys().filter(|name| !wanted.contains_key(*name)).count();
        self.differing = missing_or_different + only_shown;
        self.wanted = wanted.len();
        self.shown = shown.clone();
    }

    /// The sentence for success; `None` otherwise.
    pub(super) fn success(&self) -> Option<&'static str> {
        let has_noticed = self.noticed_after.is_some() && self.live_after.is_some();
        let is_equal = self.equal_after.is_some() && self.differing == 0 && self.shown.contradictions == 0;
        (has_noticed && is_equal).then_some("The shown table equals what follows from the files.")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: Option<Duration>| {
            time.map_or_else(|| "never".to_owned(), |time| format!("{} ms", time.as_millis()))
        };
        let cells = [
            ("file versions", self.rounds.to_string()),
            ("rows in the file", self.rows_of_files.to_string()),
            ("rows that follow", self.wanted.to_string()),
            ("rows shown", self.shown.rows.len().to_string()),
            ("rows that differ", self.differing.to_string()),
            ("contradictions", self.shown.contradictions.to_string()),
            ("snapshots", self.shown.snapshots.to_string()),
            ("changes", self.shown.changes.to_string()),
            ("changed rows", self.shown.changed_rows.to_string()),
            ("kill noticed after", time(self.noticed_after)),
            ("live after restart", time(self.live_after)),
            ("equal after last change", time(self.equal_after)),
        ];
        let mut table = Table::new();
        table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        table.set_header(["three nodes", &format!("{:.1} s", self.took.as_secs_f64())]);
        for (what, value) in cells {
            table.add_row([what, value.as_str()]);
        }
        write!(f, "{table}")
    }
}
