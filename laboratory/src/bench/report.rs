use bench_kit::Machine;
use serde::Serialize;

use super::figures::Figures;
use super::ledger::Faults;

/// The report of a bench, which `--json` prints.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    /// The version of `skimmer`.
    pub(super) version: String,
    pub(super) machine: Machine,
    pub(super) load: Load,
    /// The measured series; the first is compared with the others.
    pub(super) series: Vec<Series>,
    /// The ratios of the first series to each other one.
    pub(super) ratios: Vec<Ratio>,
}

/// The load, which is the same for all contenders.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Load {
    pub(super) value_bytes: usize,
    /// The size of the packed map that a worker sends, in bytes.
    pub(super) map_bytes: usize,
    pub(super) latency_rate_per_second: f64,
    pub(super) latency_seconds: f64,
    pub(super) runs: u32,
}

/// The points of one contender.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Series {
    pub(super) name: String,
    /// The description of the contender.
    pub(super) what: String,
    pub(super) points: Vec<Point>,
}

/// The runs with one number of subscribers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Point {
    pub(super) subscribers: usize,
    /// The number of events in the throughput part of each run.
    pub(super) events: u64,
    /// The largest number of events that our pusher was ahead of the slowest subscriber; not used by another complete system.
    pub(super) window: u64,
    pub(super) runs: Vec<Run>,
    pub(super) median: Figures,
    /// Pairs of percentile and latency in µs, over all runs.
    pub(super) latency_curve: Vec<(f64, f64)>,
}

/// One run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Run {
    #[serde(flatten)]
    pub(super) figures: Figures,
    #[serde(flatten)]
    pub(super) faults: Faults,
}

/// The factor by which the first series is better.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ratio {
    pub(super) than: String,
    pub(super) subscribers: usize,
    pub(super) deliveries_per_second: f64,
    /// CPU time per delivery of the other, divided by ours.
    pub(super) service_cpu: Option<f64>,
    /// Latency of the other, divided by ours.
    pub(super) latency_p50: f64,
    pub(super) latency_p99: f64,
}

impl Report {
    /// Makes the report and computes the ratios.
    pub(super) fn new(machine: Machine, load: Load, series: Vec<Series>) -> Self {
        let ratios = match series.split_first() {
            Some((ours, others)) => others.iter().flat_map(|other| ratios(ours, other)).collect(),
            None => Vec::new(),
        };
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), machine, load, series, ratios }
    }

    /// The faults of all runs.
    pub(super) fn faults(&self) -> Faults {
        let mut all = Faults::default();
        for run in self.series.iter().flat_map(|series| &series.points).flat_map(|point| &point.runs) {
            all.add(run.faults);
        }
        all
    }
}

fn ratios(ours: &Series, other: &Series) -> Vec<Ratio> {
    let pairs = ours.points.iter().filter_map(|point| {
        let same = other.points.iter().find(|other| other.subscribers == point.subscribers)?;
        Some((point.subscribers, &point.median, &same.median))
    });
    pairs
        .map(|(subscribers, ours, others)| Ratio {
            than: other.name.clone(),
            subscribers,
            deliveries_per_second: ours.deliveries_per_second / others.deliveries_per_second,
            service_cpu: others
                .service_cpu_us_per_delivery
                .zip(ours.service_cpu_us_per_delivery)
                .map(|(others, ours)| others / ours),
            latency_p50: others.latency_us.p50 / ours.latency_us.p50,
            latency_p99: others.latency_us.p99 / ours.latency_us.p99,
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Faults, Figures, Load, Machine, Point, Report, Run, Series};
    use bench_kit::Latency;

    /// A report with two series, the second ten times slower.
    pub(in crate::bench) fn example() -> Report {
        let load = Load {
            value_bytes: 200,
            map_bytes: 260,
            latency_rate_per_second: 200.0,
            latency_seconds: 5.0,
            runs: 1,
        };
        Report::new(Machine::this(), load, vec![series("ours", 1.0), series("theirs & others", 10.0)])
    }

    fn series(name: &str, slower: f64) -> Series {
        let points = [1_usize, 10].map(|subscribers| {
            let us = 100.0 * slower;
            let figures = Figures {
                events_per_second: 1e6 / slower,
                deliveries_per_second: 1e6 / slower * subscribers as f64,
                service_cpu_us_per_delivery: Some(slower),
                service_peak_rss_mib: None,
                latency_us: Latency { p50: us, p90: us, p99: us * 2.0, p999: us * 3.0, max: us * 4.0 },
            };
            let run = Run { figures: figures.clone(), faults: Faults::default() };
            let latency_curve = vec![(50.0, us), (90.0, us), (99.0, us * 2.0)];
            Point { subscribers, events: 1000, window: 200, runs: vec![run], median: figures, latency_curve }
        });
        Series { name: name.to_owned(), what: String::new(), points: points.to_vec() }
    }

    #[test]
    fn ratios_show_how_many_times_better_the_first_is() {
        let report = example();
        assert_eq!(report.ratios.len(), 2);
        for ratio in &report.ratios {
            let all = [Some(ratio.deliveries_per_second), ratio.service_cpu, Some(ratio.latency_p50)];
            assert_eq!(all, [Some(10.0); 3]);
        }
    }
}
