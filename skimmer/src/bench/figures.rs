use hdrhistogram::Histogram;
use serde::Serialize;

/// The figures of one run, or the median of each figure over several runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figures {
    /// Events per second through the service, at the highest rate.
    pub(super) events_per_second: f64,
    /// Events per second times the number of subscribers.
    pub(super) deliveries_per_second: f64,
    /// CPU time of the service for one delivery to one subscriber, in µs; `None` if the service is not a separate process.
    pub(super) service_cpu_us_per_delivery: Option<f64>,
    /// The peak resident memory of the service, in MiB; `None` as above.
    pub(super) service_peak_rss_mib: Option<f64>,
    /// The time from the intended send to the arrival, at a fixed rate, in µs.
    pub(super) latency_us: Latency,
}

/// Percentiles in µs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    #[serde(rename = "p99.9")]
    pub(super) p999: f64,
    pub(super) max: f64,
}

impl Latency {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| micros(histogram.value_at_quantile(quantile));
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: micros(histogram.max()) }
    }

    fn medians(all: &[Self]) -> Self {
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

impl Figures {
    pub(super) fn medians(all: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> Option<f64>| median(all.iter().filter_map(figure));
        let latencies: Vec<Latency> = all.iter().map(|one| one.latency_us).collect();
        Self {
            events_per_second: of(|one| Some(one.events_per_second)).unwrap_or_default(),
            deliveries_per_second: of(|one| Some(one.deliveries_per_second)).unwrap_or_default(),
            service_cpu_us_per_delivery: of(|one| one.service_cpu_us_per_delivery),
            service_peak_rss_mib: of(|one| one.service_peak_rss_mib),
            latency_us: Latency::medians(&latencies),
        }
    }
}

/// Pairs of percentile and latency in µs for the plot, denser towards the tail.
pub(super) fn curve(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    const PERCENTILES: [f64; 14] =
        [1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.75, 99.9, 99.95, 99.99];
    // Beyond this percentile there is less than one sample, so every point would be the maximum.
    let last = 100.0 - 100.0 / (histogram.len().max(1) as f64);
    let told = PERCENTILES.into_iter().filter(|percentile| *percentile <= last);
    told.map(|percentile| (percentile, micros(histogram.value_at_percentile(percentile)))).collect()
}

fn micros(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

/// The middle value, or the mean of the two middle values; `None` if there are no values.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::{curve, median};
    use crate::bench::ledger::histogram;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        for (values, middle) in [
            (&[][..], None),
            (&[3.0], Some(3.0)),
            (&[9.0, 1.0, 2.0], Some(2.0)),
            (&[4.0, 1.0, 2.0, 9.0], Some(3.0)),
        ] {
            assert_eq!(median(values.iter().copied()), middle, "{values:?}");
        }
    }

    #[test]
    fn the_curve_ends_where_samples_end() {
        let mut latencies = histogram().unwrap();
        for us in 1..=100_u64 {
            latencies.record(us * 1000).unwrap();
        }
        let curve = curve(&latencies);
        assert_eq!(curve.last().map(|point| point.0), Some(99.0));
        assert!(curve.iter().any(|(percentile, us)| *percentile == 50.0 && (us - 50.0).abs() < 0.1));
    }
}
