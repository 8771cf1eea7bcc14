//! Copies for the exhaustive model.

use std::hash::{Hash, Hasher};

use super::StreamCounters;

/// Counters decide nothing: states that differ in them only are one state.
impl Hash for StreamCounters {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
