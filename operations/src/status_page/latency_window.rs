use std::collections::VecDeque;

use pubsub_api::{LatencyBucket, LatencyReading};
use serde::Serialize;

/// Percentiles of the latencies of the last seconds, from the counts in buckets.
#[derive(Debug, Default)]
pub(super) struct LatencyWindow {
    /// The counts of each bucket since the start, one reading a second.
    readings: VecDeque<Vec<LatencyBucket>>,
}

/// Three percentiles, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Percentiles {
    pub(super) p50_us: f64,
    pub(super) p90_us: f64,
    pub(super) p99_us: f64,
}

/// The readings between which latencies are counted: ten seconds, so that a percentile is of more than one event where there are
/// few.
const WINDOW_READINGS: usize = 11;

impl LatencyWindow {
    /// Takes the reading of this second. Returns the percentiles; `None` if there was no event.
    pub(super) fn take(&mut self, reading: &LatencyReading) -> Option<Percentiles> {
        if self.readings.len() >= WINDOW_READINGS {
            self.readings.pop_front();
        }
        self.readings.push_back(reading.buckets.clone());
        let oldest = self.readings.front()?;
        let rises: Vec<(Option<u64>, u64)> = reading
            .buckets
            .iter()
            .enumerate()
            .map(|(place, bucket)| {
                let before = oldest.get(place).map_or(0, |bucket| bucket.count);
                (bucket.le_us, bucket.count.saturating_sub(before))
            })
            .collect();
        let percentile = |share| percentile(&rises, share);
        Some(Percentiles { p50_us: percentile(0.5)?, p90_us: percentile(0.9)?, p99_us: percentile(0.99)? })
    }
}

/// The value below which a share of the latencies is, as if those of a bucket were spread evenly; `None` without latencies. Above
/// the last bound it is that bound.
fn percentile(counts: &[(Option<u64>, u64)], share: f64) -> Option<f64> {
    let all = counts.last().filter(|(_, all)| *all > 0)?.1;
    let wanted = float(all) * share;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in counts {
        let Some(upper) = bound.map(float) else { return Some(lower) };
        let count = float(*count);
        if count >= wanted && count > below {
            return Some(lower + (upper - lower) * (wanted - below) / (count - below));
        }
        (lower, below) = (upper, count);
    }
    Some(lower)
}

#[expect(clippy::cast_precision_loss, reason = "a plot needs no 53 bits")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use pubsub_api::LatencyCounter;

    use super::LatencyWindow;

    #[test]
    fn a_percentile_is_of_the_last_ten_seconds_and_lies_within_its_bucket() {
        let (counter, mut window) = (LatencyCounter::new("latency"), LatencyWindow::default());
        counter.add(30_000_000, 1000);
        assert_eq!(window.take(&counter.read()), None, "what was before the first reading has no time");
        for _ in 0..90 {
            counter.add(80, 1);
        }
        counter.add(70_000_000, 10);
        let percentiles = window.take(&counter.read()).unwrap();
        assert!((50.0..=100.0).contains(&percentiles.p50_us), "{percentiles:?}");
        assert_eq!(percentiles.p90_us, 100.0);
        assert_eq!(percentiles.p99_us, 60_000_000.0, "the last bound");
        let all: Vec<_> = (0..10).map(|_| window.take(&counter.read())).collect();
        assert!(all.iter().take(9).all(Option::is_some) && all.last() == Some(&None), "{all:?}");
    }
}
