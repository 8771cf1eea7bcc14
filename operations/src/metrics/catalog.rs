//! Every metric: its name, kind, labels, help and source. `docs/metrics.md` is generated from these lists.

mod of_agent;
mod of_both;
mod of_service;

use super::metric::{Metric, MetricKind, MetricProgram};
use super::source::Source;

/// All metrics, in the order of the page.
pub fn metrics() -> impl Iterator<Item = &'static Metric> {
    of_both::METRICS.iter().chain(of_service::METRICS).chain(of_agent::METRICS)
}

const fn counter(
    program: MetricProgram,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    source: Source,
) -> Metric {
    Metric { name, kind: MetricKind::Counter, labels, program, help, source }
}

const fn gauge(
    program: MetricProgram,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    source: Source,
) -> Metric {
    Metric { name, kind: MetricKind::Gauge, labels, program, help, source }
}

const fn histogram(program: MetricProgram, name: &'static str, help: &'static str, source: Source) -> Metric {
    Metric { name, kind: MetricKind::Histogram, labels: &[], program, help, source }
}
