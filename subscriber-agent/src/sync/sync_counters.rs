use pubsub_api::{Counter, CounterReading};

/// The counters of full syncs.
#[derive(Debug)]
pub(crate) struct SyncCounters {
    done: Counter,
    pub(super) failed: Counter,
    rows: Counter,
    differences: Counter,
    corrupt: Counter,
    pub(super) held: Counter,
}

impl Default for SyncCounters {
    fn default() -> Self {
        Self {
            done: Counter::new("syncs"),
            failed: Counter::new("sync_failures"),
            rows: Counter::new("sync_rows"),
            differences: Counter::new("sync_differences"),
            corrupt: Counter::with_cause("sync_rows_left_out", "corrupt"),
            held: Counter::new("syncs_held"),
        }
    }
}

impl SyncCounters {
    /// Counts a finished sync.
    pub(crate) fn count_sync(&self, rows: usize, differences: usize, corrupt: u64) {
        self.done.add(1);
        self.rows.add(rows as u64);
        self.differences.add(differences as u64);
        self.corrupt.add(corrupt);
    }

    pub(crate) fn read(&self) -> Vec<CounterReading> {
        let Self { done, failed, rows, differences, corrupt, held } = self;
        [done, failed, rows, differences, corrupt, held].into_iter().map(Counter::read).collect()
    }
}
