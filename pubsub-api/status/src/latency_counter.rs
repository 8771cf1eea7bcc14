use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// How long something took, counted in buckets. It can be read while it is added to, and nobody waits.
///
/// A latency is the difference of two clocks, which may be clocks of two hosts. A negative one counts as 0, in the first
/// bucket: it says that the clock of the publisher is ahead.
///
/// ```
/// use status::{LatencyBatch, LatencyCounter};
///
/// let counter = LatencyCounter::new("fanout_latency");
/// let mut batch = LatencyBatch::default();
/// batch.add(120, 2);
/// batch.add(-7, 1);
/// counter.take(&mut batch);
/// let reading = counter.read();
/// assert_eq!((reading.count(), reading.sum_us), (3, 240));
/// assert_eq!(reading.buckets[0].count, 1, "at most 0 µs");
/// ```
#[derive(Debug)]
pub struct LatencyCounter {
    name: &'static str,
    buckets: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

/// Latencies that are not yet part of a [`LatencyCounter`]: plain numbers, so that an event costs no atomic operation.
#[derive(Debug, Clone, Default)]
pub struct LatencyBatch {
    buckets: [u64; BUCKETS],
    sum_us: u64,
    is_used: bool,
}

/// The upper bounds of the buckets in microseconds, inclusive. A last bucket has everything above. On a link within a
/// building most latencies are below a millisecond; a backlog is above seconds.
pub const LATENCY_BOUNDS_US: [u64; 20] = [
    0, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

const BUCKETS: usize = LATENCY_BOUNDS_US.len() + 1;

impl LatencyBatch {
    /// Adds a latency in microseconds, `times` times.
    pub fn add(&mut self, micros: i64, times: u64) {
        let micros = u64::try_from(micros).unwrap_or(0);
        if let Some(bucket) = self.buckets.get_mut(bucket_of(micros)) {
            *bucket += times;
        }
        self.sum_us = self.sum_us.wrapping_add(micros.saturating_mul(times));
        self.is_used = true;
    }

    /// Adds the latency of an event with this stamp that was handled at `now_us`, both in microseconds since 1970.
    pub fn add_since(&mut self, stamp_us: u64, now_us: u64) {
        self.add(i64::try_from(now_us.saturating_sub(stamp_us)).unwrap_or(i64::MAX), 1);
    }
}

impl LatencyCounter {
    /// Creates an empty one.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, buckets: [const { AtomicU64::new(0) }; BUCKETS], sum_us: AtomicU64::new(0) }
    }

    /// Adds a latency in microseconds, `times` times.
    pub fn add(&self, micros: i64, times: u64) {
        let micros = u64::try_from(micros).unwrap_or(0);
        if let Some(bucket) = self.buckets.get(bucket_of(micros)) {
            bucket.fetch_add(times, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(micros.saturating_mul(times), Ordering::Relaxed);
    }

    /// Adds all of a batch, and leaves it empty. An empty one costs nothing.
    pub fn take(&self, batch: &mut LatencyBatch) {
        if !batch.is_used {
            return;
        }
        let LatencyBatch { buckets, sum_us, .. } = std::mem::take(batch);
        for (bucket, more) in self.buckets.iter().zip(buckets).filter(|(_, more)| *more > 0) {
            bucket.fetch_add(more, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(sum_us, Ordering::Relaxed);
    }

    /// Returns the buckets, each with the number of latencies up to its bound.
    #[must_use]
    pub fn read(&self) -> LatencyReading {
        let bounds = LATENCY_BOUNDS_US.into_iter().map(Some).chain([None]);
        let mut count = 0;
        let buckets = bounds.zip(&self.buckets).map(|(le_us, bucket)| {
            count += bucket.load(Ordering::Relaxed);
            LatencyBucket { le_us, count }
        });
        LatencyReading {
            name: self.name.to_owned(),
            buckets: buckets.collect(),
            sum_us: self.sum_us.load(Ordering::Relaxed),
        }
    }
}

fn bucket_of(micros: u64) -> usize {
    LATENCY_BOUNDS_US.partition_point(|bound| *bound < micros)
}

/// The latencies of something, up to one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyReading {
    /// What took this long.
    pub name: String,
    /// The buckets, from the lowest bound up.
    pub buckets: Vec<LatencyBucket>,
    /// The sum of all latencies, in microseconds.
    pub sum_us: u64,
}

/// The number of latencies up to a bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyBucket {
    /// The bound in microseconds; `None` for all latencies.
    pub le_us: Option<u64>,
    /// The number of latencies up to it.
    pub count: u64,
}

impl LatencyReading {
    /// The number of latencies.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.last().map_or(0, |all| all.count)
    }
}

#[cfg(test)]
mod tests {
    use super::{LATENCY_BOUNDS_US, LatencyBatch, LatencyCounter};

    #[test]
    fn a_latency_is_in_the_bucket_of_the_first_bound_that_is_not_below_it() {
        let counter = LatencyCounter::new("latency");
        for micros in [-5, 0, 1, 50, 51, 60_000_000, 60_000_001, i64::MAX] {
            counter.add(micros, 1);
        }
        let reading = counter.read();
        let up_to =
            |bound: Option<u64>| reading.buckets.iter().find(|bucket| bucket.le_us == bound).unwrap().count;
        assert_eq!((up_to(Some(0)), up_to(Some(50)), up_to(Some(100))), (2, 4, 5));
        assert_eq!((up_to(Some(60_000_000)), up_to(None), reading.count()), (6, 8, 8));
        assert!(LATENCY_BOUNDS_US.is_sorted());
    }

    #[test]
    fn a_batch_is_added_once() {
        let (counter, mut batch) = (LatencyCounter::new("latency"), LatencyBatch::default());
        batch.add_since(1_000, 1_300);
        batch.add_since(2_000, 1_000);
        counter.take(&mut batch);
        counter.take(&mut batch);
        assert_eq!((counter.read().count(), counter.read().sum_us), (2, 300));
    }
}
