use comfy_table::{CellAlignment, Table};

use crate::figure::{Figure, Figures};
use crate::mode::Mode;
use crate::report::{Point, Report};

/// The medians of a mode; for its main figure also the range, and the comparison.
pub(crate) fn of(report: &Report, mode: Mode) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    let figures = mode.figures();
    let mut header = vec!["subscribers", "median of runs"];
    header.extend(figures.iter().map(|figure| figure.heading));
    let range = figures.first().map(|figure| format!("{}, range", figure.heading)).unwrap_or_default();
    header.extend([range.as_str(), "× best peer", "× raw"]);
    table.set_header(header);
    for point in report.of(mode) {
        table.add_row(row(point, figures));
    }
    for column in
        table.column_iter_mut().enumerate().filter_map(|(place, column)| (place != 1).then_some(column))
    {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(point: &Point, figures: &[Figure]) -> Vec<String> {
    let mut row = vec![point.subscribers.to_string(), point.server.clone()];
    row.extend(figures.iter().map(|figure| cell(&point.median, *figure)));
    if let Some(lead) = figures.first() {
        let times =
            |figures: &Figures| figures.get(lead.key).map_or("-".to_owned(), |times| format!("{times:.2}"));
        row.push(format!("{} – {}", cell(&point.least, *lead), cell(&point.most, *lead)));
        row.extend([times(&point.times_best_peer), times(&point.times_raw)]);
    }
    row
}

fn cell(figures: &Figures, figure: Figure) -> String {
    figures.get(figure.key).map_or("-".to_owned(), |value| grouped(*value, figure.decimals))
}

/// Formats a number with thousands separators.
fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + &rest
}

#[cfg(test)]
mod tests {
    use super::{grouped, of};
    use crate::mode::Mode;
    use crate::report::tests::example;

    #[test]
    fn numbers_have_thousands_separators() {
        for (value, decimals, text) in
            [(0.0, 0, "0"), (999.4, 0, "999"), (1234.56, 1, "1,234.6"), (12_345_678.0, 0, "12,345,678")]
        {
            assert_eq!(grouped(value, decimals), text);
        }
    }

    #[test]
    fn a_row_contains_median_range_and_ratios() {
        let table = of(&example(), Mode::Throughput).to_string();
        let row = table.lines().find(|line| line.contains("ours & only")).unwrap();
        for part in ["8,000,000", "7,000,000 – 9,000,000", "4.00", "0.50"] {
            assert!(row.contains(part), "{part} in {row}");
        }
    }
}
