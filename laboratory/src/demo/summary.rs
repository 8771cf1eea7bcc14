use std::fmt;
use std::time::Duration;

use bench_kit::Latency;
use comfy_table::Table as TextTable;
use subscriber_agent::Table;

use super::change_log::ChangeLog;
use super::chaos::ChaosTally;
use super::observer::{Notices, Observation};

/// The result of the demo, with one row per agent.
pub(super) struct Summary {
    published: usize,
    took: Duration,
    expected: Table,
    /// The faults, with `--chaos`.
    chaos: Option<ChaosTally>,
    rows: Vec<Row>,
}

struct Row {
    delivered: usize,
    lost: usize,
    unexpected: usize,
    disordered: usize,
    replayed: usize,
    snapshotted: usize,
    notices: Notices,
    rows: usize,
    differing_rows: usize,
    latency: Latency,
}

impl Row {
    fn is_good(&self) -> bool {
        self.lost + self.unexpected + self.disordered + self.differing_rows == 0
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("lost", self.lost),
            ("unexpected", self.unexpected),
            ("out of order", self.disordered),
            ("links lost", self.notices.links_lost),
        ]
    }

    fn counts_under_chaos(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("replayed", self.replayed),
            ("from snapshots", self.snapshotted),
            ("repeated", self.unexpected),
            ("gap notices", self.notices.gaps),
            ("resync notices", self.notices.resyncs),
            ("links lost", self.notices.links_lost),
        ]
    }
}

impl Summary {
    pub(super) fn new(log: &ChangeLog, took: Duration, chaos: Option<ChaosTally>) -> Self {
        Self { published: log.len(), took, expected: log.fold(), chaos, rows: Vec::new() }
    }

    pub(super) fn add(&mut self, seen: Observation) {
        self.rows.push(Row {
            delivered: seen.delivered,
            lost: self.published.saturating_sub(seen.delivered),
            unexpected: seen.unexpected,
            disordered: seen.disordered,
            replayed: seen.replayed,
            snapshotted: seen.snapshotted,
            notices: seen.notices,
            rows: seen.table.len(),
            differing_rows: differing_rows(&self.expected, &seen.table),
            latency: seen.latency.latency(),
        });
    }

    /// The sentence for success: no event is missing, unexpected or out of order, and no row differs. With `--chaos`: no row
    /// differs. `None` otherwise.
    pub(super) fn success(&self) -> Option<&'static str> {
        match self.chaos {
            None => self.rows.iter().all(Row::is_good).then_some(
                "Every agent received every event in order, and its final table equals that of the log.",
            ),
            Some(_) => self
                .rows
                .iter()
                .all(|row| row.differing_rows == 0)
                .then_some("The final table of every agent equals that of the log."),
        }
    }

    /// The columns of one agent; with `--chaos` they are different.
    fn cells(&self, row: &Row) -> Vec<(&'static str, String)> {
        let counts = if self.chaos.is_some() { row.counts_under_chaos() } else { row.counts() };
        let mut cells = vec![("published", self.published), ("delivered", row.delivered)];
        cells.extend(counts);
        cells.extend([("rows", row.rows), ("rows that differ", row.differing_rows)]);
        let mut cells: Vec<_> = cells.into_iter().map(|(name, number)| (name, number.to_string())).collect();
        let millis = |micros: f64| format!("{:.2} ms", micros / 1000.0);
        let per_second = row.delivered as u128 * 1_000_000 / self.took.as_micros().max(1);
        cells.extend([
            ("p50", millis(row.latency.p50)),
            ("p99", millis(row.latency.p99)),
            ("events/s", per_second.to_string()),
        ]);
        cells
    }
}

/// The number of rows that are in one table only or have different values.
fn differing_rows(one: &Table, other: &Table) -> usize {
    let differs_from = |wanted: &Table, event: &pubsub_api::Event| {
        let (Some(table), Some(key)) = (&event.table, &event.key) else { return false };
        wanted.get(table, key).is_none_or(|row| row.value != event.value)
    };
    let missing_or_different = one.iter().filter(|event| differs_from(other, event)).count();
    let only_in_other = other.iter().filter(|event| {
        let (Some(table), Some(key)) = (&event.table, &event.key) else { return false };
        one.get(table, key).is_none()
    });
    missing_or_different + only_in_other.count()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = TextTable::new();
        table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        for (number, row) in self.rows.iter().enumerate() {
            let cells = self.cells(row);
            if number == 0 {
                table.set_header(std::iter::once("agent").chain(cells.iter().map(|(name, _)| *name)));
            }
            let number = (number + 1).to_string();
            table.add_row(std::iter::once(number).chain(cells.into_iter().map(|(_, cell)| cell)));
        }
        if let Some(chaos) = &self.chaos {
            writeln!(f, "{chaos}")?;
        }
        write!(f, "{table}")
    }
}
