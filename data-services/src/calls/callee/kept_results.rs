use std::collections::BTreeMap;

use crate::Instance;
use crate::calls::call_options::CallOptions;

/// The results that are kept for callers that may ask again, oldest first. The results themselves are in the sessions.
#[derive(Debug, Default)]
pub(super) struct KeptResults {
    results: BTreeMap<u64, KeptResult>,
    bytes: usize,
    last: u64,
}

/// The place of a result.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeptResult {
    pub(super) caller: Instance,
    pub(super) number: u64,
    /// The length of the result.
    pub(super) bytes: usize,
}

impl KeptResults {
    /// Adds the latest result; returns its place in the order.
    pub(super) fn insert(&mut self, kept: KeptResult) -> u64 {
        self.last += 1;
        self.bytes += kept.bytes;
        self.results.insert(self.last, kept);
        self.last
    }

    pub(super) fn remove(&mut self, order: u64) {
        if let Some(kept) = self.results.remove(&order) {
            self.bytes -= kept.bytes;
        }
    }

    /// The oldest result, if there are more than the bounds allow.
    pub(super) fn in_excess(&self, options: &CallOptions) -> Option<KeptResult> {
        let is_in_excess = self.results.len() > options.kept_results || self.bytes > options.kept_bytes;
        self.results.values().next().copied().filter(|_| is_in_excess)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.results.len()
    }
}
