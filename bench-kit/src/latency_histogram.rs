use hdrhistogram::Histogram;
use pubsub_api::{Error, ErrorKind, Result};

use crate::Latency;

/// The latencies of many deliveries, in nanoseconds, with three significant digits. A latency above one minute may be
/// recorded as one minute.
///
/// ```
/// use bench_kit::LatencyHistogram;
///
/// let mut latencies = LatencyHistogram::new()?;
/// (1..=1000).for_each(|us| latencies.record_ns(us * 1000));
/// let latency = latencies.latency();
/// assert!((latency.p50 - 500.0).abs() < 1.0, "µs");
/// assert!((latency.p99 - 990.0).abs() < 1.0);
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LatencyHistogram(Histogram<u64>);

/// The longest latency that is distinguished.
const LONGEST_NS: u64 = 60_000_000_000;

impl LatencyHistogram {
    /// An empty histogram.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the histogram library refuses its bounds.
    pub fn new() -> Result<Self> {
        let histogram = Histogram::new_with_max(LONGEST_NS, 3);
        histogram
            .map(Self)
            .map_err(|error| Error::new(ErrorKind::Internal, "cannot make a histogram").with_source(error))
    }

    /// Records one latency.
    pub fn record_ns(&mut self, ns: u64) {
        self.0.saturating_record(ns);
    }

    /// Adds all latencies of another histogram.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the histogram library refuses it.
    pub fn add(&mut self, other: &Self) -> Result<()> {
        self.0
            .add(&other.0)
            .map_err(|error| Error::new(ErrorKind::Internal, "cannot add up histograms").with_source(error))
    }

    /// The number of recorded latencies.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The longest recorded latency, in ns.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.0.max()
    }

    /// The percentiles.
    #[must_use]
    pub fn latency(&self) -> Latency {
        let at = |quantile| micros(self.0.value_at_quantile(quantile));
        Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: micros(self.0.max()) }
    }

    /// Pairs of percentile and latency in µs for a plot, denser towards the tail.
    #[must_use]
    pub fn curve(&self) -> Vec<(f64, f64)> {
        const PERCENTILES: [f64; 14] =
            [1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.75, 99.9, 99.95, 99.99];
        // Beyond this percentile there is less than one sample, so every point would be the maximum.
        let last = 100.0 - 100.0 / (self.0.len().max(1) as f64);
        let shown = PERCENTILES.into_iter().filter(|percentile| *percentile <= last);
        shown.map(|percentile| (percentile, micros(self.0.value_at_percentile(percentile)))).collect()
    }
}

fn micros(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::LatencyHistogram;

    #[test]
    fn the_curve_ends_where_samples_end() {
        let mut latencies = LatencyHistogram::new().unwrap();
        for us in 1..=100_u64 {
            latencies.record_ns(us * 1000);
        }
        let curve = latencies.curve();
        assert_eq!(curve.last().map(|point| point.0), Some(99.0));
        assert!(curve.iter().any(|(percentile, us)| *percentile == 50.0 && (us - 50.0).abs() < 0.1));
    }

    #[test]
    fn a_latency_above_one_minute_is_recorded_as_at_least_one_minute() {
        let mut latencies = LatencyHistogram::new().unwrap();
        latencies.record_ns(u64::MAX);
        assert!((60e6..120e6).contains(&latencies.latency().max), "{:?}", latencies.latency());
    }
}
