use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::CounterReading;

/// Counts by cause and limits the log: a line for the first event of a cause, then at most one line a second.
///
/// One type counts and decides about the log, so that the two cannot drift apart. The caller supplies the time.
///
/// ```
/// use std::time::Instant;
/// use status::CauseCounter;
///
/// let dropped = CauseCounter::new("events_dropped");
/// let now = Instant::now();
/// assert_eq!(dropped.count("too_big", now), Some(1), "log it");
/// assert_eq!(dropped.count("too_big", now), None, "logged a moment ago");
/// assert_eq!(dropped.total(), 2);
/// ```
#[derive(Debug)]
pub struct CauseCounter {
    name: &'static str,
    causes: Mutex<BTreeMap<&'static str, Cause>>,
}

#[derive(Debug, Default)]
struct Cause {
    count: u64,
    unlogged: u64,
    logged_at: Option<Instant>,
}

impl CauseCounter {
    /// The minimum time between two lines about one cause.
    pub const LOG_INTERVAL: Duration = Duration::from_secs(1);

    /// Creates one whose counters are called `name`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, causes: Mutex::new(BTreeMap::new()) }
    }

    /// Counts one. Returns the number counted since the last line if a line is due, else `None`.
    ///
    /// The first event of a cause is always due. A line that reports the returned number, and no other, accounts for
    /// every event exactly once: the events of a second without a line are part of the next returned number.
    ///
    /// ```
    /// use std::time::Instant;
    /// use status::CauseCounter;
    ///
    /// let dropped = CauseCounter::new("events_dropped");
    /// let start = Instant::now();
    /// assert_eq!(dropped.count("too_big", start), Some(1));
    /// assert_eq!(dropped.count("too_big", start), None);
    /// assert_eq!(dropped.count("too_big", start + CauseCounter::LOG_INTERVAL), Some(2));
    /// assert_eq!(dropped.count("not_utf8", start), Some(1), "another cause has its own interval");
    /// ```
    pub fn count(&self, cause: &'static str, now: Instant) -> Option<u64> {
        self.count_many(cause, 1, now)
    }

    /// As [`count`](Self::count), for `number` at once.
    pub fn count_many(&self, cause: &'static str, number: u64, now: Instant) -> Option<u64> {
        let mut causes = self.causes.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = causes.entry(cause).or_default();
        entry.count = entry.count.saturating_add(number);
        entry.unlogged = entry.unlogged.saturating_add(number);
        if entry.logged_at.is_some_and(|logged| now.saturating_duration_since(logged) < Self::LOG_INTERVAL) {
            return None;
        }
        entry.logged_at = Some(now);
        Some(std::mem::take(&mut entry.unlogged))
    }

    /// Returns the total of all causes.
    pub fn total(&self) -> u64 {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner).values().map(|cause| cause.count).sum()
    }

    /// Returns one reading for each cause that occurred.
    ///
    /// The readings are sorted by cause. A cause that has not occurred has no reading.
    #[must_use]
    pub fn read(&self) -> Vec<CounterReading> {
        let causes = self.causes.lock().unwrap_or_else(PoisonError::into_inner);
        let readings = causes.iter().map(|(cause, entry)| CounterReading {
            name: self.name.to_owned(),
            cause: Some((*cause).to_owned()),
            value: entry.count,
        });
        readings.collect()
    }
}
