use std::collections::VecDeque;
use std::time::Instant;

use serde::Serialize;

use super::latency_window::{LatencyWindow, Percentiles};
use crate::metrics::{Metric, Scrape, Values, metrics};

/// The rates and percentiles of the last five minutes, one point a second.
#[derive(Debug, Default)]
pub(super) struct History {
    points: VecDeque<Point>,
    /// The reading before, and its time.
    before: Option<(Instant, Vec<f64>)>,
    windows: Vec<LatencyWindow>,
}

/// One second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Point {
    pub(super) at_ms: u64,
    /// Per second, in the order of [`Series::of_rates`].
    pub(super) rates: Vec<f64>,
    /// In the order of [`Series::of_latencies`]; `None` where there was no event.
    pub(super) latencies: Vec<Option<Percentiles>>,
}

/// What a list of numbers is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Series {
    /// The metric.
    pub(super) name: &'static str,
    /// What the page calls it.
    pub(super) title: &'static str,
}

/// The number of points that are kept: five minutes.
const MAX_POINTS: usize = 300;

const RATES: [Series; 5] = [
    Series { name: "events_received", title: "events received" },
    Series { name: "events_published", title: "events published" },
    Series { name: "events_applied", title: "events applied" },
    Series { name: "replayed_events", title: "events replayed" },
    Series { name: "sent_bytes", title: "bytes sent" },
];

const LATENCIES: [Series; 3] = [
    Series { name: "publish_latency_seconds", title: "stamp to fan-out" },
    Series { name: "receive_latency_seconds", title: "stamp to receipt" },
    Series { name: "apply_latency_seconds", title: "stamp to applied" },
];

impl Series {
    /// The rates of a program.
    pub(super) fn of_rates(program: &str) -> Vec<Self> {
        Self::of(&RATES, program)
    }

    /// The latencies of a program.
    pub(super) fn of_latencies(program: &str) -> Vec<Self> {
        Self::of(&LATENCIES, program)
    }

    fn of(all: &[Self], program: &str) -> Vec<Self> {
        all.iter().filter(|series| series.metric(program).is_some()).copied().collect()
    }

    fn metric(&self, program: &str) -> Option<&'static Metric> {
        metrics().find(|metric| metric.name == self.name && metric.is_of(program))
    }
}

impl History {
    /// Takes the reading of this second.
    pub(super) fn take(&mut self, scrape: &Scrape, now: Instant, at_ms: u64) {
        let sums: Vec<f64> =
            Series::of_rates(&scrape.program).iter().map(|series| sum(scrape, series)).collect();
        let rates = match &self.before {
            Some((then, before)) => {
                let seconds = now.saturating_duration_since(*then).as_secs_f64();
                let rate = |(now, before): (&f64, &f64)| ((now - before) / seconds).max(0.0);
                sums.iter().zip(before).map(rate).map(finite).collect()
            }
            None => vec![0.0; sums.len()],
        };
        self.before = Some((now, sums));
        let latencies = self.latencies(scrape);
        if self.points.len() >= MAX_POINTS {
            self.points.pop_front();
        }
        self.points.push_back(Point { at_ms, rates, latencies });
    }

    fn latencies(&mut self, scrape: &Scrape) -> Vec<Option<Percentiles>> {
        let all = Series::of_latencies(&scrape.program);
        self.windows.resize_with(all.len(), LatencyWindow::default);
        let values = all.iter().map(|series| series.metric(&scrape.program).map(|of| scrape.values(of)));
        let taken = values.zip(&mut self.windows).map(|(values, window)| match values {
            Some(Values::Latencies(Some(reading))) => window.take(&reading),
            _ => None,
        });
        taken.collect()
    }

    /// All points, the latest last.
    pub(super) fn points(&self) -> Vec<Point> {
        self.points.iter().cloned().collect()
    }

    /// The latest point.
    pub(super) fn last(&self) -> Vec<Point> {
        self.points.back().cloned().into_iter().collect()
    }
}

fn sum(scrape: &Scrape, series: &Series) -> f64 {
    match series.metric(&scrape.program).map(|metric| scrape.values(metric)) {
        Some(Values::Samples(samples)) => samples.iter().map(|sample| sample.value).sum(),
        _ => 0.0,
    }
}

/// JSON has no infinity, which a clock that stands still would make.
fn finite(rate: f64) -> f64 {
    if rate.is_finite() { rate } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::{LATENCIES, RATES, Series};
    use crate::metrics::metrics;

    #[test]
    fn every_series_of_the_page_is_a_metric() {
        for Series { name, .. } in RATES.iter().chain(&LATENCIES) {
            assert!(metrics().any(|metric| metric.name == *name), "{name}");
        }
    }
}
