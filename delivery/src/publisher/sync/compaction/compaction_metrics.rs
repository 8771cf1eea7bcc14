use std::sync::atomic::{AtomicU64, Ordering};

use pubsub_api::{Counter, CounterReading};

/// What compaction counts.
#[derive(Debug)]
pub(crate) struct CompactionMetrics {
    start: RowsStart,
    pub(super) bases: Counter,
    pub(super) segments: Counter,
    pub(super) failures: Counter,
    /// The size of the rows file, and of the one that is to replace it, in bytes.
    bytes: AtomicU64,
}

/// How the rows file began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowsStart {
    /// There was none.
    New,
    /// It continues where it ended.
    Recovered,
    /// It was refused, with this cause.
    Refused(&'static str),
}

impl CompactionMetrics {
    pub(in crate::publisher::sync) fn new(start: RowsStart) -> Self {
        Self {
            start,
            bases: Counter::new("rows_bases_written"),
            segments: Counter::new("rows_segments_compacted"),
            failures: Counter::new("rows_write_failures"),
            bytes: AtomicU64::new(0),
        }
    }

    /// How the rows file began.
    #[cfg(test)]
    pub(in crate::publisher::sync) fn start(&self) -> RowsStart {
        self.start
    }

    pub(super) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// The counters.
    pub(crate) fn read(&self) -> Vec<CounterReading> {
        let (start, refused) = match self.start {
            RowsStart::New => ("new", None),
            RowsStart::Recovered => ("recovered", None),
            RowsStart::Refused(cause) => ("refused", Some(cause)),
        };
        let reading = |name: &str, cause: Option<&str>, value| CounterReading {
            name: name.to_owned(),
            cause: cause.map(str::to_owned),
            value,
        };
        let mut all: Vec<CounterReading> =
            [&self.bases, &self.segments, &self.failures].into_iter().map(Counter::read).collect();
        all.push(reading("rows_file_bytes", None, self.bytes.load(Ordering::Relaxed)));
        all.push(reading("rows_start", Some(start), 1));
        all.extend(refused.map(|cause| reading("rows_refused", Some(cause), 1)));
        all
    }
}
