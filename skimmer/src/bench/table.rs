use comfy_table::{CellAlignment, Table};

use super::figures::Figures;
use super::report::Report;

/// Tables for people: the medians, and the ratios of the first series to the others.
pub(super) fn tables(report: &Report) -> Vec<Table> {
    let mut all = vec![medians(report)];
    if !report.ratios.is_empty() {
        all.push(ratios(report));
    }
    all
}

fn medians(report: &Report) -> Table {
    let mut table = new_table(&[
        "median of runs",
        "subscribers",
        "events/s",
        "deliveries/s",
        "CPU µs/delivery",
        "peak RSS MiB",
        "p50 µs",
        "p90 µs",
        "p99 µs",
        "p99.9 µs",
        "max µs",
    ]);
    for series in &report.series {
        for point in &series.points {
            let mut row = vec![series.name.clone(), point.subscribers.to_string()];
            row.extend(cells(&point.median));
            table.add_row(row);
        }
    }
    align(table)
}

fn cells(figures: &Figures) -> Vec<String> {
    let latency = figures.latency_us;
    let mut cells = vec![grouped(figures.events_per_second), grouped(figures.deliveries_per_second)];
    cells.push(or_dash(figures.service_cpu_us_per_delivery, 2));
    cells.push(or_dash(figures.service_peak_rss_mib, 1));
    cells.extend([latency.p50, latency.p90, latency.p99, latency.p999, latency.max].map(grouped));
    cells
}

fn ratios(report: &Report) -> Table {
    let first = report.series.first().map_or("", |series| series.name.as_str());
    let heading = format!("{first}, times better than");
    let mut table =
        new_table(&[&heading, "subscribers", "deliveries/s", "CPU/delivery", "latency p50", "latency p99"]);
    for ratio in &report.ratios {
        let times = |ratio: f64| format!("{ratio:.1}");
        table.add_row(vec![
            ratio.than.clone(),
            ratio.subscribers.to_string(),
            times(ratio.deliveries_per_second),
            or_dash(ratio.service_cpu, 1),
            times(ratio.latency_p50),
            times(ratio.latency_p99),
        ]);
    }
    align(table)
}

fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(header);
    table
}

/// A table whose numbers are aligned to the right.
fn align(mut table: Table) -> Table {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn or_dash(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// An integer in groups of three digits: 1,234,567.
pub(super) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{grouped, tables};
    use crate::bench::report::tests::example;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (value, text) in [(0.0, "0"), (999.4, "999"), (1000.0, "1,000"), (1_234_567.0, "1,234,567")] {
            assert_eq!(grouped(value), text);
        }
    }

    #[test]
    fn a_report_becomes_two_tables() {
        let tables = tables(&example());
        let texts: Vec<String> = tables.iter().map(ToString::to_string).collect();
        assert!(texts[0].contains("10,000,000"), "{}", texts[0]);
        assert!(texts[1].contains("ours, times better than"), "{}", texts[1]);
    }
}
