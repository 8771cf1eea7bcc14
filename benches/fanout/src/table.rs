use bench_kit::grouped;

use crate::figure::{Figure, Figures};
use crate::mode::Mode;
use crate::report::{Point, Report};

/// The medians of a mode; for its main figure also the range, and the comparison.
pub(crate) fn of(report: &Report, mode: Mode) -> String {
    let figures = mode.figures();
    let mut header = vec!["subscribers", "median of runs"];
    header.extend(figures.iter().map(|figure| figure.heading));
    let range = figures.first().map(|figure| format!("{}, range", figure.heading)).unwrap_or_default();
    header.extend([range.as_str(), "× best peer", "× raw"]);
    bench_kit::table(header, report.of(mode).map(|point| row(point, figures)), 1)
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

#[cfg(test)]
mod tests {
    use super::of;
    use crate::mode::Mode;
    use crate::report::tests::example;

    #[test]
    fn a_row_contains_median_range_and_ratios() {
        let table = of(&example(), Mode::Throughput);
        let row = table.lines().find(|line| line.contains("ours & only")).unwrap();
        for part in ["8,000,000", "7,000,000 – 9,000,000", "4.00", "0.50"] {
            assert!(row.contains(part), "{part} in {row}");
        }
    }
}
