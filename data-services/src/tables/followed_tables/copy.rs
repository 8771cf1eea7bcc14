//! Copies for the exhaustive model.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use super::FollowedTables;

/// The jitter of a copy begins anew: equal states have equal continuations.
impl Clone for FollowedTables {
    fn clone(&self) -> Self {
        Self {
            options: self.options,
            rng: fastrand::Rng::with_seed(0),
            token: self.token,
            tables: self.tables.clone(),
            waiting: self.waiting.clone(),
            schedule: self.schedule.clone(),
            foreign: self.foreign,
        }
    }
}

/// Everything that decides what is requested and applied.
impl Hash for FollowedTables {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.token, &self.tables, &self.waiting, &self.schedule).hash(state);
    }
}

impl FollowedTables {
    /// Moves all times into the past.
    pub(crate) fn age(&mut self, by: Duration) {
        self.tables.values_mut().for_each(|table| table.age(by));
        self.schedule.age(by);
    }
}
