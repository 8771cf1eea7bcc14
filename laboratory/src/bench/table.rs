use bench_kit::{grouped, table};

use super::figures::Figures;
use super::report::Report;

/// Tables for people: the medians, and the ratios of the first series to the others.
pub(super) fn tables(report: &Report) -> Vec<String> {
    let mut all = vec![medians(report)];
    if !report.ratios.is_empty() {
        all.push(ratios(report));
    }
    all
}

fn medians(report: &Report) -> String {
    let header = [
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
    ];
    let rows = report.series.iter().flat_map(|series| {
        series.points.iter().map(move |point| {
            let mut row = vec![series.name.clone(), point.subscribers.to_string()];
            row.extend(cells(&point.median));
            row
        })
    });
    table(header, rows, 0)
}

fn cells(figures: &Figures) -> Vec<String> {
    let latency = figures.latency_us;
    let whole = |value| grouped(value, 0);
    let mut cells = vec![whole(figures.events_per_second), whole(figures.deliveries_per_second)];
    cells.push(or_dash(figures.service_cpu_us_per_delivery, 2));
    cells.push(or_dash(figures.service_peak_rss_mib, 1));
    cells.extend([latency.p50, latency.p90, latency.p99, latency.p999, latency.max].map(whole));
    cells
}

fn ratios(report: &Report) -> String {
    let first = report.series.first().map_or("", |series| series.name.as_str());
    let heading = format!("{first}, times better than");
    let header =
        [heading.as_str(), "subscribers", "deliveries/s", "CPU/delivery", "latency p50", "latency p99"];
    let times = |ratio: f64| format!("{ratio:.1}");
    let rows = report.ratios.iter().map(|ratio| {
        vec![
            ratio.than.clone(),
            ratio.subscribers.to_string(),
            times(ratio.deliveries_per_second),
            or_dash(ratio.service_cpu, 1),
            times(ratio.latency_p50),
            times(ratio.latency_p99),
        ]
    });
    table(header, rows, 0)
}

fn or_dash(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::tables;
    use crate::bench::report::tests::example;

    #[test]
    fn a_report_becomes_two_tables() {
        let texts = tables(&example());
        assert!(texts[0].contains("10,000,000"), "{}", texts[0]);
        assert!(texts[1].contains("ours, times better than"), "{}", texts[1]);
    }
}
