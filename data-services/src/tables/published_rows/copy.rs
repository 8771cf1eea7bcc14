//! Copies for the exhaustive model.

use std::hash::{Hash, Hasher};

use super::PublishedRows;

/// A copy has no hook.
impl Clone for PublishedRows {
    fn clone(&self) -> Self {
        assert!(self.hook.is_none(), "a hook cannot be copied");
        Self {
            key: self.key.clone(),
            published: self.published.clone(),
            altered: self.altered.clone(),
            withheld: self.withheld.clone(),
            hook: None,
            limit: self.limit,
            examined: self.examined,
        }
    }
}

/// Everything that decides what is published.
impl Hash for PublishedRows {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.key, &self.published, &self.altered, &self.withheld).hash(state);
    }
}
