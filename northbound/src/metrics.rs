use pubsub_api::{CauseCounter, Counter, CounterReading};

/// The counters of the façade.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Changes that were written and published.
    pub(crate) changes: Counter,
    /// Creates whose row already had the same value.
    pub(crate) repeated: Counter,
    /// Creates whose answer was lost, and whose rows were deleted again.
    pub(crate) taken_back: Counter,
    /// Updates that changed nothing.
    pub(crate) unchanged: Counter,
    /// Changes that were written but not published, by result.
    pub(crate) unpublished: CauseCounter,
    /// Rows that are not objects.
    pub(crate) corrupt: CauseCounter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            changes: Counter::new("changes"),
            repeated: Counter::new("creates_repeated"),
            taken_back: Counter::new("creates_taken_back"),
            unchanged: Counter::new("updates_unchanged"),
            unpublished: CauseCounter::new("changes_unpublished"),
            corrupt: CauseCounter::new("rows_corrupt"),
        }
    }
}

impl Metrics {
    pub(crate) fn read(&self) -> Vec<CounterReading> {
        let Self { changes, repeated, taken_back, unchanged, .. } = self;
        let mut readings: Vec<_> =
            [changes, repeated, taken_back, unchanged].into_iter().map(Counter::read).collect();
        readings.extend(self.unpublished.read());
        readings.extend(self.corrupt.read());
        readings
    }
}
