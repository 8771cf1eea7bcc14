use pubsub_api::{Counter, CounterReading, Tally};

/// What the façade counts.
#[derive(Debug)]
pub(crate) struct Readings {
    /// Changes that were written and published.
    pub(crate) changes: Counter,
    /// Creations that found what they would have written.
    pub(crate) repeated: Counter,
    /// Creations whose answer was lost, and whose rows were deleted again.
    pub(crate) taken_back: Counter,
    /// Updates that changed nothing.
    pub(crate) unchanged: Counter,
    /// Changes that were written and not published, by what became of them.
    pub(crate) unpublished: Tally,
    /// Rows that are no objects.
    pub(crate) corrupt: Tally,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            changes: Counter::new("changes"),
            repeated: Counter::new("creates_repeated"),
            taken_back: Counter::new("creates_taken_back"),
            unchanged: Counter::new("updates_unchanged"),
            unpublished: Tally::new("changes_unpublished"),
            corrupt: Tally::new("rows_corrupt"),
        }
    }
}

impl Readings {
    pub(crate) fn read(&self) -> Vec<CounterReading> {
        let Self { changes, repeated, taken_back, unchanged, .. } = self;
        let mut readings: Vec<_> =
            [changes, repeated, taken_back, unchanged].into_iter().map(Counter::read).collect();
        readings.extend(self.unpublished.read());
        readings.extend(self.corrupt.read());
        readings
    }
}
