use std::fmt::Write;

use super::catalog::metrics;
use super::metric::{Metric, MetricKind, MetricProgram};

/// The page `docs/metrics.md`, which `skimmer metrics` prints.
///
/// ```
/// assert!(operations::metrics_page().contains("| `skimmer_gaps_detected_total` | counter | agent |"));
/// ```
#[must_use]
pub fn metrics_page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for metric in metrics() {
        // Writing to a String does not fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            metric.full_name(),
            kind(metric),
            program(metric),
            labels(metric),
            metric.help
        );
    }
    page
}

const INTRODUCTION: &str = "# Metrics

This page is generated: `skimmer metrics > docs/metrics.md`. What `/metrics` is, and how to scrape it: [operations](operations.md).

Values count from the start of the process. A counter ends in `_total`, a time is in seconds, a size in bytes. The values of
labels are bounded: causes and states are words of the program, and of topics and tables the first 32 have series of their
own. A cause that has not occurred may have no series yet; those of the usual losses have the value 0 from the start, so that an
increase is seen.

| metric | kind | program | labels | what it is |
|---|---|---|---|---|
";

fn kind(metric: &Metric) -> &'static str {
    match metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Histogram => "histogram",
    }
}

fn program(metric: &Metric) -> &'static str {
    match metric.program {
        MetricProgram::Service => "service",
        MetricProgram::Agent => "agent",
        MetricProgram::Both => "both",
    }
}

fn labels(metric: &Metric) -> String {
    let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    if labels.is_empty() { "–".to_owned() } else { labels.join(", ") }
}
