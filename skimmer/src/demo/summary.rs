use std::fmt;
use std::time::Duration;

use comfy_table::Table as TextTable;
use subscriber_agent::Table;

use super::change_log::ChangeLog;
use super::observer::Observation;

/// What the demo found out, a row per agent.
pub(super) struct Summary {
    published: usize,
    took: Duration,
    expected: Table,
    rows: Vec<Row>,
}

struct Row {
    delivered: usize,
    lost: usize,
    unexpected: usize,
    disordered: usize,
    links_lost: usize,
    rows: usize,
    differing_rows: usize,
    p50_us: u64,
    p99_us: u64,
}

impl Row {
    fn is_good(&self) -> bool {
        self.lost + self.unexpected + self.disordered + self.differing_rows == 0
    }
}

impl Summary {
    pub(super) fn new(log: &ChangeLog, took: Duration) -> Self {
        Self { published: log.len(), took, expected: log.fold(), rows: Vec::new() }
    }

    pub(super) fn add(&mut self, seen: &Observation) {
        self.rows.push(Row {
            delivered: seen.delivered,
            lost: self.published.saturating_sub(seen.delivered),
            unexpected: seen.unexpected,
            disordered: seen.disordered,
            links_lost: seen.links_lost,
            rows: seen.table.len(),
            differing_rows: differing_rows(&self.expected, &seen.table),
            p50_us: seen.latency.value_at_quantile(0.5),
            p99_us: seen.latency.value_at_quantile(0.99),
        });
    }

    /// Whether nothing is missing, too much, out of order or different.
    pub(super) fn is_good(&self) -> bool {
        self.rows.iter().all(Row::is_good)
    }
}

/// Rows that only one of the tables has, or that differ in value.
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
        table.set_header([
            "agent",
            "published",
            "delivered",
            "lost",
            "unexpected",
            "out of order",
            "links lost",
            "rows",
            "rows that differ",
            "p50",
            "p99",
            "events/s",
        ]);
        for (number, row) in self.rows.iter().enumerate() {
            let millis = |micros: u64| format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10);
            let per_second = row.delivered as u128 * 1_000_000 / self.took.as_micros().max(1);
            let cells = [number + 1, self.published, row.delivered, row.lost, row.unexpected, row.disordered];
            let mut cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
            cells.extend([row.links_lost, row.rows, row.differing_rows].iter().map(ToString::to_string));
            cells.extend([millis(row.p50_us), millis(row.p99_us), per_second.to_string()]);
            table.add_row(cells);
        }
        write!(f, "{table}")
    }
}
