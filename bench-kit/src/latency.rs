use serde::Serialize;

use crate::median;

/// Percentiles of latencies, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    #[serde(rename = "p99.9")]
    pub p999: f64,
    /// The longest latency.
    pub max: f64,
}

impl Latency {
    /// The median of each percentile over several runs; 0 without runs.
    ///
    /// ```
    /// use bench_kit::Latency;
    ///
    /// let run = |p50| Latency { p50, p90: 2.0, p99: 3.0, p999: 4.0, max: 5.0 };
    /// assert_eq!(Latency::medians(&[run(1.0), run(1.5), run(9.0)]), run(1.5));
    /// ```
    #[must_use]
    pub fn medians(all: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(all.iter().map(figure)).unwrap_or_default();
        Self {
            p50: of(|one| one.p50),
            p90: of(|one| one.p90),
            p99: of(|one| one.p99),
            p999: of(|one| one.p999),
            max: of(|one| one.max),
        }
    }
}
